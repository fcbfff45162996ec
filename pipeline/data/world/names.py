"""The world's names, and the random stream of each picture.

13 shapes times 5 textures make the everyday names; times 4 colours, those of the long tail.
"""

import numpy as np

SHAPES = (
    "fish", "star", "cup", "house", "tree", "crown", "heart", "moon", "arrow", "mushroom", "boat",
    "butterfly", "bottle",
)  # fmt: skip
TEXTURES = ("plain", "striped", "dotted", "checkered", "ringed")

NAMES = tuple(f"{texture} {shape}" for shape in SHAPES for texture in TEXTURES)

CATEGORY_IDS = {name: index + 1 for index, name in enumerate(NAMES)}

LONG_TAIL_COLOURS = ("red", "yellow", "green", "blue")
"""Colours that bad weather does not turn into one another."""
_ORDER_SEED = 12

SPLITS = {"train": 1, "val": 2, "test": 3}
_DOMAINS = {"scene": 1, "web": 2, "weather": 3, "other": 4, "annotators": 5}


def _long_tail_names() -> tuple[str, ...]:
    """Return them in a random order, the most frequent first; underscores join words, as in LVIS."""
    alphabet = [f"{colour} {name}".replace(" ", "_") for colour in LONG_TAIL_COLOURS for name in NAMES]
    return tuple(alphabet[row] for row in np.random.default_rng(_ORDER_SEED).permutation(len(alphabet)))


LONG_TAIL_NAMES = _long_tail_names()

LONG_TAIL_SHARES = 1 / np.arange(1, len(LONG_TAIL_NAMES) + 1)
"""Share of each name among all things, float64 (260,): a power law (Zipf's); they sum to 1."""
LONG_TAIL_SHARES /= LONG_TAIL_SHARES.sum()

LONG_TAIL_IDS = {name: index + 1 for index, name in enumerate(sorted(LONG_TAIL_NAMES))}
"""In alphabetical order, as in LVIS."""


def parts_of(name: str) -> tuple[str, str]:
    """Split one of `NAMES` into `(texture, shape)`.

    Raises:
        KeyError: the name is none of `NAMES`.
    """
    if name not in CATEGORY_IDS:
        raise KeyError(f"{name!r} is no category of the world; its names are a texture and a shape, "
                       f"for instance {NAMES[1]!r}")  # fmt: skip
    texture, shape = name.split(" ")
    return texture, shape


def coloured_parts_of(name: str) -> tuple[str, str, str]:
    """Split one of `LONG_TAIL_NAMES` into `(colour, texture, shape)`.

    Raises:
        KeyError: the name is none of `LONG_TAIL_NAMES`.
    """
    if name not in LONG_TAIL_IDS:
        raise KeyError(f"{name!r} is no category of the long tail; its names are a colour, a texture and a "
                       f"shape, for instance 'red_striped_fish'")  # fmt: skip
    colour, texture, shape = name.split("_")
    return colour, texture, shape


def generator(seed: int, domain: str, split: str, index: int) -> np.random.Generator:
    """Return the random stream of one picture, so that any picture can be drawn alone.

    Raises:
        KeyError: unknown domain or split.
        ValueError: negative seed or index.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, _DOMAINS[domain], SPLITS[split], index]))
