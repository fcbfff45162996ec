"""All numbers of one evaluation, as `metrics.json` and the table of classes hold them, in percent."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ezsd.evaluation.average_precision import ClassScores
from ezsd.evaluation.config import EnsembleConfig, ProbingConfig
from ezsd.evaluation.groups import as_percent, percent_by_frequency
from ezsd.split import Split

Percents = Mapping[str, float | None]


@dataclass(frozen=True)
class EvaluationSetup:
    """What is evaluated, and how.

    Attributes:
        data: format of the data set.
        protocol: from `Split.protocol`.
        split: base and novel names.
        max_dets: detections that count, in the main table.
        ground_truth: from `coco_form.restrict_to_photos`.
        ensemble: weights of the teacher's scores; None for no ensemble.
        probing: how classifiers of novel names were made; None where they are text embeddings.
    """

    data: str
    protocol: str
    split: Split
    max_dets: int
    ground_truth: Mapping[str, Any]
    ensemble: EnsembleConfig | None = None
    probing: ProbingConfig | None = None


@dataclass(frozen=True)
class ClassRow:
    """Scores of one category, in percent; None if it has no such object, or if sizes are not scored.

    Attributes:
        category: its name.
        group: `base` or `novel`.
        objects: number of objects, without crowd regions.
    """

    category: str
    group: str
    objects: int
    AP50: float | None
    AP: float | None
    AP75: float | None
    AP_small: float | None = None
    AP_medium: float | None = None
    AP_large: float | None = None


def build_metrics(
    setup: EvaluationSetup,
    scores: Mapping[int, ClassScores],
    mask_scores: Mapping[int, ClassScores],
    joint_scores: Mapping[int, ClassScores],
    teacher_accuracy: Mapping[str, Percents],
    student_naming: Percents,
    proposal_recall: Percents,
) -> dict[str, Any]:
    """The contents of `metrics.json`.

    AP50, AP and AP75 of base, novel and all, AP by size, and `APr`, `APc` and `APf` where categories have a
    frequency (LVIS); teacher accuracy and proposal recall beside them.

    Args:
        setup: what is evaluated.
        scores: of boxes, for each limit of detections, among them `setup.max_dets`.
        mask_scores: of masks; empty for a detector without masks.
        joint_scores: of boxes with the scores of the ensemble; empty without an ensemble.
        teacher_accuracy: by group, of the `raw` and the `renormalized` teacher.
        student_naming: by group, accuracy of the detector where it gets the true boxes.
        proposal_recall: by group.
    """
    others = [limit for limit in scores if limit != setup.max_dets]
    masks = {"masks": _means(setup, mask_scores[setup.max_dets])} if mask_scores else {}
    ensemble = {}
    if setup.ensemble:
        means = _means(setup, joint_scores[setup.max_dets])
        ensemble = {"ensemble": {"teacher_weights": asdict(setup.ensemble), **means}}
    return {
        "protocol": setup.protocol,
        **({"probing": asdict(setup.probing)} if setup.probing else {}),
        "data": describe(setup),
        **names_without_objects(setup),
        "max_dets": setup.max_dets,
        **_means(setup, scores[setup.max_dets]),
        **masks,
        **ensemble,
        "other_max_dets": {str(limit): _means(setup, scores[limit]) for limit in others},
        "teacher_accuracy": dict(teacher_accuracy),
        "student": {"naming": dict(student_naming)},
        "proposal_recall": dict(proposal_recall),
    }


def _means(setup: EvaluationSetup, scores: ClassScores) -> dict[str, Any]:
    frequencies = [category.get("frequency", "") for category in setup.ground_truth["categories"]]
    return {**scores.by_group(setup.split), **percent_by_frequency(scores.ap, frequencies)}


def describe(setup: EvaluationSetup) -> dict[str, Any]:
    """Format, split, and numbers of photos, categories and objects; crowd regions are no objects."""
    split, objects = setup.split, objects_by_name(setup.ground_truth)
    base, novel = (sum(objects[name] for name in names) for names in (split.base, split.novel))
    return {
        "format": setup.data,
        "split": split.name,
        **({"shots": split.shots} if split.shots else {}),
        "photos": len(setup.ground_truth["images"]),
        "categories": {"base": len(split.base), "novel": len(split.novel), "all": len(split.names)},
        "objects": {"base": base, "novel": novel, "all": base + novel},
    }


def names_without_objects(setup: EvaluationSetup) -> dict[str, Any]:
    """Names of each group that have no object, so no AP; empty if all have."""
    objects = objects_by_name(setup.ground_truth)
    sides = {"base": setup.split.base, "novel": setup.split.novel}
    without = {group: [name for name in names if not objects[name]] for group, names in sides.items()}
    return {"names_without_objects": without} if any(without.values()) else {}


def objects_by_name(ground_truth: Mapping[str, Any]) -> Counter[str]:
    """Number of objects of each category; crowd regions do not count."""
    names = {category["id"]: category["name"] for category in ground_truth["categories"]}
    return Counter(names[box["category_id"]] for box in ground_truth["annotations"] if not box["iscrowd"])


def class_rows(setup: EvaluationSetup, scores: ClassScores) -> list[ClassRow]:
    """A row for each category of the split, base names first."""
    split, objects = setup.split, objects_by_name(setup.ground_truth)
    known = {field.name for field in fields(ClassRow)}
    columns = {key: values for key, values in scores.by_key().items() if key in known}
    return [
        ClassRow(
            category=name,
            group="base" if label < len(split.base) else "novel",
            objects=objects[name],
            **{key: as_percent(values[label]) for key, values in columns.items()},
        )
        for label, name in enumerate(split.names)
    ]
