"""The published results that runs are set beside: data with sources, in `published.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import yaml

AS_PRINTED = "published"
"""The status of a number that is as its paper has it."""

Values = Mapping[str, Mapping[str, float | None]]
"""Measure (`AP50`, `AP`, ...) -> group (`base`, `novel`, `all`, of LVIS also `rare`, ...) -> percent."""


@dataclass(frozen=True)
class PublishedResult:
    """One row of the literature.

    Args:
        protocol: as in `metrics.json`, or None where the source does not say it.
        status: `AS_PRINTED`, or how else the number was come by, such as "recalled".
        photos: how many the split is evaluated on; None where that is not known.
        needs: what it costs or builds on. title, url: the source.
    """

    method: str
    split: str
    protocol: str | None
    status: str
    values: Values
    photos: int | None
    needs: str
    title: str
    url: str

    @property
    def name(self) -> str:
        """The method, with the status where that is not `AS_PRINTED`."""
        return self.method if self.status == AS_PRINTED else f"{self.method} ({self.status})"


def read_published() -> list[PublishedResult]:
    """All of the packaged file, in its order."""
    text = (resources.files("ezsd.stages.pages.comparison") / "published.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(text)
    return [
        PublishedResult(**result, **tree["sources"][source], photos=tree["photos"].get(result["split"]))
        for source, result in ((row.pop("source"), row) for row in tree["results"])
    ]
