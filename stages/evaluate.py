"""`evaluate`: score the detector on base and novel names. The only stage that reads novel annotations."""

from ezsd.cache.artifacts import Mined
from ezsd.cache.folders import remove_folder
from ezsd.evaluation.metrics import EvaluationSetup, objects_by_name
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.validation_photos import (
    list_validation_photos,
    read_boxes,
    read_masks,
    restrict_to_prepared,
)
from ezsd.pipeline.data.views import read_full_annotations
from ezsd.pipeline.evaluation_files import write_evaluation
from ezsd.pipeline.findings.evaluation import detection_findings
from ezsd.pipeline.jobs.evaluate import (
    CLASSIFIER,
    PHOTOS_PER_SHARD,
    ValidationPass,
    models_on_disk,
)
from ezsd.pipeline.jobs.probing import probe_names
from ezsd.pipeline.jobs.scores import proposal_recall, score_all
from ezsd.pipeline.models.detector import finds_masks, read_protocol
from ezsd.pipeline.models.vocabulary import write_embeddings
from ezsd.pipeline.stage import StageContext, StageResult

FACTS = ("protocol", "probing", "AP50", "ensemble")
"""Metrics that the manifest repeats."""
PARTS = "parts"
"""Folder from which an interrupted run resumes; a finished run removes it."""


def run(context: StageContext) -> StageResult:
    """Run detector and teacher on the validation photos, score the detections, write all files."""
    return evaluate_with(ValidationPass, context)


def evaluate_with(make_pass: type[ValidationPass], context: StageContext) -> StageResult:
    """Evaluate what a pass over the validation photos detects."""
    params, prepared = context.params.evaluate, Prepared(context.parent("prepare"))
    split, mined = prepared.split, Mined(context.parent("mine"))
    sources = resolve_sources(context.params.data, context.root, prepared.folder)
    masks = finds_masks(context.parent("train"))
    annotations = (read_masks if masks else read_boxes)(sources, "val", split)
    truth = restrict_to_prepared(annotations, prepared, params.photos)
    photos = list_validation_photos(truth, prepared.val.photos, sources.val.folder())
    if params.probing is not None:
        write_embeddings(context.folder / CLASSIFIER, split.names, probe_names(context, params.probing))
    validation = make_pass(photos, models_on_disk(context, split), context.folder / PARTS, PHOTOS_PER_SHARD)
    context.map_shards(validation)
    setup = EvaluationSetup(
        data=context.params.data.format,
        protocol=read_protocol(context.parent("train")),
        split=split,
        max_dets=params.max_dets[0],
        ground_truth=truth,
        ensemble=params.ensemble,
        probing=params.probing,
    )
    recall = proposal_recall(mined, read_full_annotations(sources, "train", split).clean.boxes, split)
    evaluation = score_all(setup, validation.collect(), params.max_dets, masks, recall)
    write_evaluation(context.folder, evaluation)
    remove_folder(context.folder / PARTS)
    counts = {
        "photos": len(photos),
        "objects": sum(objects_by_name(truth).values()),
        "detections": len(evaluation.detections),
    }
    metrics = evaluation.metrics
    facts = {key: metrics[key] for key in FACTS if key in metrics}
    novel = {category["id"] for category in truth["categories"] if category["name"] in split.novel}
    return StageResult(counts, facts, list(detection_findings(evaluation.detections, len(photos), novel)))
