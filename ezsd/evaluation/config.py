"""Settings of the ensemble, and which scoring rules belong to which data."""

from ezsd.config import Fraction, config


@config
class EnsembleConfig:
    """Exponents of the teacher's score beside the detector's (ViLD-ensemble: Gu et al., ICLR 2022).

    0 means the detector alone, 1 the teacher alone.

    Attributes:
        base: for base names, which had boxes in training; ViLD takes 1/3.
        novel: for novel names; ViLD takes 2/3.
    """

    base: Fraction = 1 / 3
    novel: Fraction = 2 / 3


def scoring_module(data_format: str) -> str:
    """Dotted name of the module whose `score_detections` has the data set's own rules: COCO's by default."""
    name = {"lvis": "federated", "voc": "voc"}.get(data_format, "average_precision")
    return f"ezsd.evaluation.{name}"
