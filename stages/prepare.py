"""`prepare`: check photos and annotations, and write the index of base boxes that later stages read."""

from ezsd.cache.folders import remove_folder
from ezsd.pipeline.data.checks import check_quarantined, named
from ezsd.pipeline.data.novel import read_training_for
from ezsd.pipeline.data.prepared import (
    counts_of,
    facts_of,
    index_training,
    index_validation,
    write_prepared,
    write_train_masks,
)
from ezsd.pipeline.data.segmentations import index_masks, masks_of
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.views import clean_training_boxes, read_validation_photos
from ezsd.pipeline.findings.data import box_findings, name_findings, photo_findings
from ezsd.pipeline.jobs.prepare import PARTS, draw_world, inspect_photos
from ezsd.pipeline.stage import StageContext, StageResult


def run(context: StageContext) -> StageResult:
    """Write the index; if the data set is the embedded world, draw it into the folder first."""
    params = context.params.prepare
    sources = resolve_sources(context.params.data, context.root, context.folder)
    draw_world(context, sources)
    training = read_training_for(params, sources, context.params.data.split)
    val_photos = read_validation_photos(sources, training.split)
    clean = clean_training_boxes(training)
    boxes_out = named("train", clean.quarantined)
    check_quarantined(boxes_out, len(training.boxes), params.max_quarantined_fraction, params.max_quarantined)
    names = training.split.labelled
    masks = masks_of(sources.train, clean.boxes, training.photos, names) if params.masks else None
    train_seen, val_seen = inspect_photos(context, sources, {"train": training.photos, "val": val_photos})
    train = index_training(training.photos, train_seen, clean.boxes, params.empty_photos)
    val = index_validation(val_photos, val_seen)
    quarantine = (*train_seen.quarantined, *val_seen.quarantined, *boxes_out)
    write_prepared(context.folder, training.split, train, val, quarantine)
    if masks is not None:
        write_train_masks(context.folder, index_masks(masks, train))
    remove_folder(context.folder / PARTS)
    counts = counts_of(training.split, train, val, quarantine)
    facts = facts_of(training, train, clean.clipped)
    findings = [
        *box_findings(training.boxes, training.photos),
        *name_findings(facts["base_boxes_by_name"]),
        *photo_findings(train.photos, val.photos),
    ]
    return StageResult(counts, facts, findings)
