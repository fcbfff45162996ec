"""The numbers of one evaluation, put together as `metrics.json` has them: all shares in percent."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ezsd.evaluation.average_precision import ClassScores
from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.groups import as_percent, percent_by_frequency
from ezsd.split import Split

Percents = Mapping[str, float | None]


@dataclass(frozen=True)
class EvaluationSetup:
    """What was asked.

    data: name of the data set's format. protocol: of `Split.protocol`.
    max_dets: the limit of the main table. ground_truth: of `coco_form.restrict_to_photos`.
    ensemble: how much the teacher's scores count beside the detector's; None to leave them out.
    """

    data: str
    protocol: str
    split: Split
    max_dets: int
    ground_truth: Mapping[str, Any]
    ensemble: EnsembleConfig | None = None


@dataclass(frozen=True)
class ClassRow:
    """One category: `group` is base or novel; the rest in percent, None without any such object to find.

    Not all ways of scoring tell sizes apart.
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
    proposal_recall: Percents,
) -> dict[str, Any]:
    """`metrics.json`: AP50, AP and AP75 of base, novel and all, and AP by size; what stands beside them.

    Where categories have a frequency, as LVIS's do, `APr`, `APc` and `APf` are told too.

    Args:
        scores: for each limit of boxes; that of `setup.max_dets` must be there.
        mask_scores: the same of masks; empty where there are none, which then are not told of.
        joint_scores: of the boxes with the scores of the ensemble, where `setup` asks for one.
        teacher_accuracy: by group, of the `raw` and the `renormalized` teacher.
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
        "data": describe(setup),
        "max_dets": setup.max_dets,
        **_means(setup, scores[setup.max_dets]),
        **masks,
        **ensemble,
        "other_max_dets": {str(limit): _means(setup, scores[limit]) for limit in others},
        "teacher_accuracy": dict(teacher_accuracy),
        "proposal_recall": dict(proposal_recall),
    }


def _means(setup: EvaluationSetup, scores: ClassScores) -> dict[str, Any]:
    frequencies = [category.get("frequency", "") for category in setup.ground_truth["categories"]]
    return {**scores.by_group(setup.split), **percent_by_frequency(scores.ap, frequencies)}


def describe(setup: EvaluationSetup) -> dict[str, Any]:
    """Format, split, and how many photos, categories and objects (crowd regions are none) there are."""
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


def objects_by_name(ground_truth: Mapping[str, Any]) -> Counter[str]:
    """How many objects there are of each category; crowd regions do not count."""
    names = {category["id"]: category["name"] for category in ground_truth["categories"]}
    return Counter(names[box["category_id"]] for box in ground_truth["annotations"] if not box["iscrowd"])


def class_rows(setup: EvaluationSetup, scores: ClassScores) -> list[ClassRow]:
    """Each category of the split, base first."""
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
