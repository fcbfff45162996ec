"""Which names mining may use, and what a result made with them is to be called."""

from collections.abc import Sequence
from dataclasses import dataclass

from ezsd.errors import InputError
from ezsd.split import Split


@dataclass(frozen=True)
class MiningNames:
    """Names that compete for a crop; a proposal's label indexes `names`, base names first.

    Args:
        names: all names.
        base_count: how many of them, from the start, are base names.
        protocol: of `Split.protocol`, with `names known` (the paper's setting: novel names may be used, their
            boxes not) or `strict`.
    """

    names: tuple[str, ...]
    base_count: int
    protocol: str


def known_names(split: Split) -> MiningNames:
    """The split's base and novel names, and no others."""
    return MiningNames(split.names, len(split.base), split.protocol("names known"))


def strict_names(split: Split, extra: Sequence[str]) -> MiningNames:
    """The base names and a list of the user's own, made without looking at the novel names.

    Raises:
        InputError: an extra name is a base name or comes twice.
    """
    for place, name in enumerate(extra):
        if name in split.base or name in extra[:place]:
            raise InputError(f"the extra names hold {name!r}, which is a base name or comes twice: remove it")
    return MiningNames((*split.base, *extra), len(split.base), split.protocol("strict"))
