"""Check the data that the params name, with the pipeline's own readers and rules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ezsd.errors import InputError
from ezsd.pipeline.data.checks import (
    Quarantined,
    check_annotation_ids,
    check_has_boxes,
    check_image_ids,
    check_photos,
    check_quarantined,
    named,
)
from ezsd.pipeline.data.novel import read_training_for
from ezsd.pipeline.data.segmentations import masks_of
from ezsd.pipeline.data.sources import SETS, DataSources, Which, resolve_sources
from ezsd.pipeline.data.tables import AnnotationFile
from ezsd.pipeline.data.views import check_base, choose_split
from ezsd.pipeline.data_check.annotations import AnnotatedSet, name_counts
from ezsd.pipeline.data_check.findings import Case, DataReport, Findings
from ezsd.pipeline.data_check.survey import (
    OUTSIDE,
    PhotoResult,
    PhotoSurvey,
    overlap_findings,
    photo_findings,
)
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.jobs.job import JobChain
from ezsd.pipeline.models import RANDOM
from ezsd.pipeline.models.teacher import prompts_of
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.params import Params
from ezsd.pipeline.progress import show_progress
from ezsd.pipeline.runner import artifact_folder
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import cut_names

_READ_PHOTOS = "data check: read photos"
CUT = "name that the teacher's tokenizer cuts"

Result = TypeVar("Result")
CutNames = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Stops:
    """The errors that stop the pipeline, each once."""

    sentences: list[str]

    def attempt(self, do: Callable[[], Result]) -> Result | None:
        """Return the result of `do`; record the error and return None if it fails."""
        try:
            return do()
        except (PipelineError, InputError) as error:
            self.add(str(error))
            return None

    def add(self, sentence: str) -> None:
        """Record an error."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)


def data_sources(params: Params, root: Path) -> DataSources:
    """Return where the data are; raises PipelineError if `prepare` has not drawn the embedded world yet."""
    sources = resolve_sources(params.data, root, artifact_folder(root, "prepare"))
    if sources.train.drawn and not sources.train.annotations.is_file():
        raise PipelineError("the embedded world is not drawn yet: run `ezsd-cli precompute --only prepare`")
    return sources


def check_sources(params: Params, root: Path, sources: DataSources) -> DataReport:
    """Read and check all annotations and photos."""

    def cut(names: Sequence[str]) -> list[str]:
        # the tokenizer is enough, so the weights need not be here
        source = resolve_teacher(replace(params.teacher, weights=RANDOM), root)
        return cut_names(load_teacher(source), names, prompts_of(params.teacher))

    return check_data(params, root, sources, cut)


def check_data(params: Params, root: Path, sources: DataSources, cut_names: CutNames) -> DataReport:
    """Read and check all annotations and photos; `cut_names` returns the names that the tokenizer cuts.

    Novel boxes are counted too, since no stage reads the report.
    """
    stops = Stops([])
    files = _open(sources, stops)
    split = _choose_split(params, files, stops)
    if split is None:
        return DataReport(None, {}, (), (), stops.sentences, ())
    sets = _read(split, files, stops)
    for which, one in sets.items():
        _apply_rules(params, one, files[which], stops)
    if params.prepare.novel_shots is not None or params.prepare.novel_images == "drop":
        stops.attempt(lambda: read_training_for(params.prepare, sources, params.data.split))
    if params.prepare.masks and "train" in sets:
        _apply_mask_rules(sets["train"], sources, stops)
    seen = _survey(params, root, sources, sets, stops)
    cut, notes = _cut(cut_names, (*split.names, *params.mine.extra_names))
    findings = [*_findings(sets, seen), cut]
    return DataReport(
        split=split.name,
        sets={which: one.counts() for which, one in sets.items()},
        names=name_counts(split, sets),
        findings=[found for found in findings if found.cases],
        stops=stops.sentences,
        notes=notes,
    )


def _open(sources: DataSources, stops: Stops) -> dict[Which, AnnotationFile]:
    opened = {}
    with show_progress("data check: read annotations", len(SETS), "files") as progress:
        for which in SETS:
            opened[which] = stops.attempt(sources.of(which).open)
            progress.advance(1)
    return {which: file for which, file in opened.items() if file is not None}


def _choose_split(params: Params, files: Mapping[Which, AnnotationFile], stops: Stops) -> Split | None:
    train = files.get("train")
    if train is None:
        return None
    return stops.attempt(lambda: choose_split(params.data.split, train.categories(), train.path))


def _read(split: Split, files: Mapping[Which, AnnotationFile], stops: Stops) -> dict[Which, AnnotatedSet]:
    read = {which: stops.attempt(partial(_read_set, which, split, file)) for which, file in files.items()}
    return {which: one for which, one in read.items() if one is not None}


def _read_set(which: Which, split: Split, file: AnnotationFile) -> AnnotatedSet:
    return AnnotatedSet(which, split, file.categories(), file.photos(), file.boxes(split.names))


def _apply_rules(params: Params, one: AnnotatedSet, file: AnnotationFile, stops: Stops) -> None:
    """Apply the rules of `prepare` and `evaluate` for annotations."""
    stops.attempt(lambda: check_base(one.split.base, one.categories, file.path))
    stops.attempt(lambda: check_photos(one.photos, file.path))
    stops.attempt(lambda: check_annotation_ids(one.boxes, file.path))
    stops.attempt(lambda: check_image_ids(one.boxes, one.photos, file.path))
    stops.attempt(file.searched)
    if one.which == "train":
        base = one.base()
        stops.attempt(lambda: check_has_boxes(base.boxes, file.path))
        quarantined = named("train", base.clean().quarantined)
        stops.attempt(lambda: _check_quarantined(params, quarantined, len(base.boxes)))


def _apply_mask_rules(train: AnnotatedSet, sources: DataSources, stops: Stops) -> None:
    """Apply the rules of `prepare.masks`."""
    boxes = train.base().clean().boxes
    stops.attempt(lambda: masks_of(sources.train, boxes, train.photos, train.split.base))


def _survey(
    params: Params, root: Path, sources: DataSources, sets: Mapping[Which, AnnotatedSet], stops: Stops
) -> dict[Which, list[PhotoResult]]:
    """Read all photos on this machine, with the params' number of workers."""
    folders = {which: stops.attempt(sources.of(which).folder) for which in sets}
    here = replace(params, run=replace(params.run, scheduler=None))
    with TemporaryDirectory(prefix="ezsd-data-check-") as parts:
        surveys = {
            which: PhotoSurvey(
                which, sets[which].photos, folder, Path(parts, which), params.prepare.photos_per_shard
            )
            for which, folder in folders.items()
            if folder is not None
        }
        context = StageContext(here, root, Path(parts))
        context.map_shards(JobChain(list(surveys.values()), "photos", _READ_PHOTOS))
        seen = {which: survey.collect() for which, survey in surveys.items()}
    for which, results in seen.items():
        _apply_photo_rules(params, which, sets[which], results, stops)
    return seen


def _findings(
    sets: Mapping[Which, AnnotatedSet], seen: Mapping[Which, Sequence[PhotoResult]]
) -> Iterator[Findings]:
    for one in sets.values():
        yield from one.findings()
    for which, results in seen.items():
        yield from photo_findings(which, sets[which].photos, results)
    if len(seen) == len(SETS):
        yield from overlap_findings(sets["train"].photos, sets["val"].photos, seen["train"], seen["val"])


def _cut(cut_names: CutNames, names: Sequence[str]) -> tuple[Findings, list[str]]:
    """Return the names that are cut, or none and a note why that is not known."""
    try:
        return Findings(CUT, "train", [Case(repr(name), "train") for name in cut_names(names)]), []
    except InputError as error:
        return Findings(CUT, "train", ()), [f"names that the tokenizer cuts are not known: {error}"]


def _apply_photo_rules(
    params: Params, which: Which, one: AnnotatedSet, results: Sequence[PhotoResult], stops: Stops
) -> None:
    """Apply the rules of `prepare` for photos."""
    for result in results:
        if result.kind == OUTSIDE:
            stops.add(result.reason)
    quarantined = [
        Quarantined("photo", f"{which} image {image_id} ({name})", result.reason)
        for image_id, name, result in zip(one.photos.ids, one.photos.file_names, results, strict=True)
        if result.kind not in ("", OUTSIDE)
    ]
    stops.attempt(lambda: _check_quarantined(params, quarantined, len(results)))


def _check_quarantined(params: Params, quarantined: Sequence[Quarantined], total: int) -> None:
    prepare = params.prepare
    check_quarantined(quarantined, total, prepare.max_quarantined_fraction, prepare.max_quarantined)
