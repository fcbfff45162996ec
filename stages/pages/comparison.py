"""Results of runs and of the literature, and which of them may be in one table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ezsd.cache.checked import read_json
from ezsd.evaluation.groups import FREQUENCIES, GROUPS
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.evaluation_files import FIX, METRICS
from ezsd.pipeline.evaluation_forms import check_metrics
from ezsd.pipeline.stage import ARTIFACTS
from ezsd.stages.pages.report.table import rules

MEASURES = ("AP50", "AP", "AP of masks", "AP of boxes or masks")
"""In the order of the columns; the last is for sources that do not say which of the two it is."""

AS_PRINTED = "published"
"""The status of a number that is the paper's own."""

Values = Mapping[str, Mapping[str, float | None]]
"""Measure (`AP50`, `AP`, ...) -> group (`base`, `novel`, `all`, of LVIS also `rare`, ...) -> percent."""

Setting = Mapping[str, Any]
"""What two results must share to be comparable: split, protocol, photos and more, as in `metrics.json`."""


@dataclass(frozen=True)
class PublishedResult:
    """One row of the literature.

    Attributes:
        method: its name.
        split: as in `metrics.json`.
        protocol: as in `metrics.json`; None where the source does not state it.
        status: `AS_PRINTED`, or where else the number is from, such as "recalled".
        values: in percent.
        photos: how many the split is evaluated on; None where that is unknown.
        needs: what it costs or builds on.
        title: of the source.
        url: of the source.
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

    @property
    def setting(self) -> Setting:
        """As far as the source states it."""
        photos = {} if self.photos is None else {"photos": self.photos}
        return {"protocol": self.protocol, "split": self.split, **photos}


@dataclass(frozen=True)
class RunResult:
    """The numbers of one run, in percent, and the setting that they hold for."""

    name: str
    setting: Setting
    values: Values


@dataclass(frozen=True)
class Table:
    """Results of one setting: runs first, then published ones."""

    setting: Setting
    runs: Sequence[RunResult]
    published: Sequence[PublishedResult]

    @property
    def results(self) -> list[RunResult | PublishedResult]:
        """All rows."""
        return [*self.runs, *self.published]

    @property
    def measures(self) -> list[str]:
        """Those that any row has."""
        return [measure for measure in MEASURES if any(measure in row.values for row in self.results)]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Measure and group of each value that any row has."""
        return [
            (measure, group)
            for measure in self.measures
            for group in (*GROUPS, *FREQUENCIES.values())
            if any(row.values.get(measure, {}).get(group) is not None for row in self.results)
        ]


@dataclass(frozen=True)
class Comparison:
    """Tables, and the published results of the same splits that have another setting than the runs."""

    tables: Sequence[Table]
    left_out: Sequence[PublishedResult]


def read_published() -> list[PublishedResult]:
    """Read all results of the packaged `published.yaml`, in its order."""
    text = (resources.files("ezsd.stages.pages") / "published.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(text)
    return [
        PublishedResult(**result, **tree["sources"][source], photos=tree["photos"].get(result["split"]))
        for source, result in ((row.pop("source"), row) for row in tree["results"])
    ]


def read_run(path: Path) -> RunResult:
    """Read a `metrics.json`, or that of a run's folder.

    The run's name is the path as given, and that of its folder for a path such as `.`.

    Raises:
        PipelineError: there is no such file, or it is something else.
        ArtifactError: it is damaged.
    """
    file = _find_metrics(path)
    try:
        metrics = check_metrics(read_json(file, FIX))
        masks = {"AP of masks": _means(metrics["masks"])} if "masks" in metrics else {}
        setting = {
            "protocol": metrics["protocol"],
            **dict(_flat(metrics["data"])),
            "scored by": rules(metrics),
        }
        values = {"AP50": metrics["AP50"], "AP": _means(metrics), **masks}
        name = path.as_posix() if path.name not in ("", "..") else path.resolve().name
        return RunResult(name, setting, values)
    except (ValueError, KeyError):
        raise PipelineError(
            f"{file} is no {METRICS} of `ezsd-cli eval`: give the folder of an evaluated run"
        ) from None


def compare(runs: Sequence[RunResult], published: Sequence[PublishedResult]) -> Comparison:
    """Put all runs into one table, with the published results of their setting.

    Raises:
        PipelineError: the runs differ in their settings.
    """
    _require_one_setting(runs)
    tables = _tables_of_runs(runs, published)
    return Comparison(tables, _not_shown(tables, published))


def compare_mixed(runs: Sequence[RunResult], published: Sequence[PublishedResult]) -> Comparison:
    """Make a table for each setting of a run, then one for each other setting of a published result."""
    tables = _tables_of_runs(runs, published)
    others = _not_shown(tables, published)
    rest = [
        Table(setting, (), [result for result in others if result.setting == setting])
        for setting in _distinct([result.setting for result in others])
    ]
    return Comparison([*tables, *rest], ())


def _find_metrics(path: Path) -> Path:
    if path.is_file():
        return path
    inside = (path / ARTIFACTS / "evaluate" / METRICS, path / METRICS)
    for file in inside:
        if file.is_file():
            return file
    raise PipelineError(
        f"{path} has no {inside[0].relative_to(path)}: give the folder of an evaluated run, or run "
        "`ezsd-cli eval` there"
    )


def _means(scores: Mapping[str, Any]) -> dict[str, float | None]:
    """AP by group, and by frequency where the scores have it."""
    by_frequency = {word: scores[key] for kind, word in FREQUENCIES.items() if (key := f"AP{kind}") in scores}
    return {**scores["AP"], **by_frequency}


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """`{"objects": {"base": 3}}` -> `("base objects", 3)`."""
    for key, value in tree.items():
        name = f"{key} {above}".rstrip()
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            yield name, value


def _require_one_setting(runs: Sequence[RunResult]) -> None:
    first = runs[0]
    for other in runs[1:]:
        differing = [
            f"{key}: {first.setting.get(key)}, {other.setting.get(key)}"
            for key in {**first.setting, **other.setting}
            if first.setting.get(key) != other.setting.get(key)
        ]
        if differing:
            raise PipelineError(
                f"{first.name} and {other.name} are not comparable ({'; '.join(differing)}): "
                "evaluate them alike, or give --mixed for a table each"
            )


def _tables_of_runs(runs: Sequence[RunResult], published: Sequence[PublishedResult]) -> list[Table]:
    return [
        Table(
            setting,
            [run for run in runs if run.setting == setting],
            [result for result in published if _is_comparable(result, setting)],
        )
        for setting in _distinct([run.setting for run in runs])
    ]


def _is_comparable(result: PublishedResult, setting: Setting) -> bool:
    same = (result.split, result.protocol) == (setting.get("split"), setting["protocol"])
    return same and result.photos in (None, setting.get("photos"))


def _not_shown(tables: Sequence[Table], published: Sequence[PublishedResult]) -> list[PublishedResult]:
    splits = {table.setting.get("split") for table in tables}
    shown = [result for table in tables for result in table.published]
    return [result for result in published if result.split in splits and result not in shown]


def _distinct(settings: Sequence[Setting]) -> list[Setting]:
    return [setting for place, setting in enumerate(settings) if setting not in settings[:place]]
