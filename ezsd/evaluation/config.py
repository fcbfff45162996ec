"""Settings of ensemble and probing, and which scoring rules belong to which data."""

from ezsd.config import Count, Fraction, NonNegative, Seed, config


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


@config
class ProbingConfig:
    """Linear classifiers of novel names beside their text embeddings (LP-OVOD: Pham et al., WACV 2024).

    Attributes:
        boxes_per_name: most boxes of a name to learn from: of a novel name the most confident cached
            proposals, LP-OVOD takes 100; of a base name ground truth, drawn at random.
        pull: weight of the squared distance from the text embedding; 0 lets a classifier go where it will.
        seed: of the draw.
    """

    boxes_per_name: Count = 100
    pull: NonNegative = 1.0
    seed: Seed = 0


def scoring_module(data_format: str) -> str:
    """Dotted name of the module whose `score_detections` has the data set's own rules: COCO's by default."""
    name = {"lvis": "federated", "voc": "voc"}.get(data_format, "average_precision")
    return f"ezsd.evaluation.{name}"
