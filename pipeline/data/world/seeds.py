"""Where the world's randomness comes from: one stream a picture, so that any can be drawn alone."""

import numpy as np

DOMAINS = {"scene": 1, "web": 2, "weather": 3, "other": 4, "annotators": 5}
SPLITS = {"train": 1, "val": 2, "test": 3}


def generator(seed: int, domain: str, split: str, index: int) -> np.random.Generator:
    """The random stream of one picture.

    Raises:
        KeyError: unknown domain or split.
        ValueError: negative seed or index.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, DOMAINS[domain], SPLITS[split], index]))
