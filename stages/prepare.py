"""`prepare`: check photos and annotations, and write the index of base boxes that later stages read."""

from pathlib import Path
from typing import Any

from ezsd.cache.folders import remove_folder
from ezsd.pipeline.data.checks import check_fraction, named
from ezsd.pipeline.data.manifest import counts_of, data_digests, facts_of, masks_digest, split_digest
from ezsd.pipeline.data.novel import read_training_for
from ezsd.pipeline.data.prepared import index_training, index_validation, write_prepared, write_train_masks
from ezsd.pipeline.data.segmentations import index_masks, masks_of
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.views import clean_training_boxes, read_validation_photos
from ezsd.pipeline.jobs.prepare import PARTS, draw_world, inspect_photos
from ezsd.pipeline.params import OwnSplit, Params
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.split import BUILTIN_SPLITS, builtin_split


def external_inputs(params: Params, root: Path) -> dict[str, Any]:
    """Digests of the user's photos and base boxes; params, code and split determine the embedded world."""
    if params.data.world is not None:
        return _packaged_split(params.data.split)
    sources = resolve_sources(params.data, root, Path())
    training = read_training_for(params.prepare, sources, params.data.split)
    digests = data_digests(sources, training)
    return digests | (masks_digest(sources, training) if params.prepare.masks else {})


def _packaged_split(choice: str | OwnSplit) -> dict[str, str]:
    """Digest of a split that is a file of the package; others are in the params or the annotations."""
    if isinstance(choice, str) and choice in BUILTIN_SPLITS:
        return split_digest(builtin_split(choice))
    return {}


def run(context: StageContext) -> StageResult:
    """Write the index; if the data set is the embedded world, draw it into the folder first."""
    params = context.params.prepare
    sources = resolve_sources(context.params.data, context.root, context.folder)
    draw_world(context, sources)
    training = read_training_for(params, sources, context.params.data.split)
    val_photos = read_validation_photos(sources, training.split)
    clean = clean_training_boxes(training)
    box_findings = named("train", clean.findings)
    check_fraction(box_findings, len(training.boxes), params.max_quarantined_fraction)
    names = training.split.labelled
    masks = masks_of(sources.train, clean.boxes, training.photos, names) if params.masks else None
    train_seen, val_seen = inspect_photos(context, sources, {"train": training.photos, "val": val_photos})
    train = index_training(training.photos, train_seen, clean.boxes, params.empty_photos)
    val = index_validation(val_photos, val_seen)
    quarantine = (*train_seen.findings, *val_seen.findings, *box_findings)
    write_prepared(context.folder, training.split, train, val, quarantine)
    if masks is not None:
        write_train_masks(context.folder, index_masks(masks, train))
    remove_folder(context.folder / PARTS)
    counts = counts_of(training.split, train, val, quarantine)
    return StageResult(counts, facts_of(training, train, clean.clipped))
