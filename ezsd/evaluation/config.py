"""Settings of the ensemble."""

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
