"""The world's names, and the random stream of each picture.

13 shapes times 5 words make the everyday names; times 4 colours, those of the long tail. Three words are
textures. The other two are mounts: a "framed fish" reaches as far as its frame. The fish within has any
texture, and no name of its own.
"""

import numpy as np

SHAPES = (
    "fish", "star", "cup", "house", "tree", "heart", "moon", "arrow", "mushroom", "bottle", "boat",
    "butterfly", "tie",
)  # fmt: skip
TEXTURES = ("plain", "striped", "dotted")
MOUNTS = ("framed", "hanging")
WORDS = TEXTURES + MOUNTS

NAMES = tuple(f"{word} {shape}" for shape in SHAPES for word in WORDS)

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
    """Split one of `NAMES` into `(word, shape)`.

    Raises:
        KeyError: the name is none of `NAMES`.
    """
    if name not in CATEGORY_IDS:
        raise KeyError(f"{name!r} is no category of the world; its names are a word and a shape, "
                       f"for instance {NAMES[1]!r}")  # fmt: skip
    word, shape = name.split(" ")
    return word, shape


def coloured_parts_of(name: str) -> tuple[str, str, str]:
    """Split one of `LONG_TAIL_NAMES` into `(colour, word, shape)`.

    Raises:
        KeyError: the name is none of `LONG_TAIL_NAMES`.
    """
    if name not in LONG_TAIL_IDS:
        raise KeyError(f"{name!r} is no category of the long tail; its names are a colour, a word and a "
                       f"shape, for instance 'red_striped_fish'")  # fmt: skip
    colour, word, shape = name.split("_")
    return colour, word, shape


def is_mounted(name: str) -> bool:
    """Whether a name of either kind is of a thing together with its mount."""
    return any(mount in name for mount in MOUNTS)


def generator(seed: int, domain: str, split: str, index: int) -> np.random.Generator:
    """Return the random stream of one picture, so that any picture can be drawn alone.

    Raises:
        KeyError: unknown domain or split.
        ValueError: negative seed or index.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, _DOMAINS[domain], SPLITS[split], index]))
