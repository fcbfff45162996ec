"""Which names are base and which novel, checked against the names that the annotations know."""

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path

from ezsd.pipeline.data.tables import Category
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import OwnSplit
from ezsd.split import BUILTIN_SPLITS, Split, builtin_split

LVIS_SPLITS = {"lvis_866_337": "fc", "lvis_405_798": "f", "world_long_tail": "fc"}
"""Frequencies that are base, by split; in LVIS v1, 337 names are rare, 461 common and 405 frequent.

`world_long_tail` is that of the embedded world's variant, whose names number others.
"""


def choose_split(choice: str | OwnSplit, categories: Sequence[Category], path: Path) -> Split:
    """Return the split that `data.split` asks for; `categories` are those of `path`, the training file.

    Raises DataError for a name that is no split, InputError for lists that make none.
    """
    if isinstance(choice, OwnSplit):
        return Split("own", choice.base, choice.novel)
    if choice in LVIS_SPLITS:
        return frequency_split(choice, categories, path)
    if choice not in BUILTIN_SPLITS:
        known = (*BUILTIN_SPLITS, *LVIS_SPLITS)
        raise DataError(
            f"data.split: there is no split {choice!r}{_did_you_mean(choice, known)}; choose one of "
            f"{', '.join(known)}, or list base and novel names"
        )
    return builtin_split(choice)


def check_names(names: Sequence[str], categories: Sequence[Category], path: Path) -> None:
    """Refuse a split's name that is no category of `path`; proposes the closest one."""
    known = [category.name for category in categories]
    unknown = [name for name in names if name not in set(known)]
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise DataError(
            f"data.split: {unknown[0]!r}{more} is none of the {len(known)} categories of {path}"
            f"{_did_you_mean(unknown[0], known)}; correct the name or the annotations"
        )


def frequency_split(name: str, categories: Sequence[Category], path: Path) -> Split:
    """Return one of `LVIS_SPLITS` over the categories of `path`, each side in the order of category ids.

    Raises DataError when the categories carry no frequency or all fall on one side.
    """
    in_order = sorted(categories, key=lambda category: category.id)
    if not all(category.frequency for category in in_order):
        raise DataError(f"{path}: its categories have no 'frequency', which split {name!r} is made from: "
                        "set data.format to lvis and give LVIS v1 annotations")  # fmt: skip
    base = tuple(category.name for category in in_order if category.frequency in LVIS_SPLITS[name])
    novel = tuple(category.name for category in in_order if category.frequency not in LVIS_SPLITS[name])
    return Split(name, base, novel)


def _did_you_mean(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""
