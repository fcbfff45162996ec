"""The forms of the files of `artifacts/evaluate`, which may come from others."""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from ezsd.evaluation.groups import FREQUENCIES

Percent = Annotated[float, Field(ge=0, le=100)] | None
Count = Annotated[int, Field(ge=0)]
Limit = Annotated[str, Field(pattern="^[0-9]{1,9}$")]


class _Percents(TypedDict):
    base: Percent
    novel: Percent
    all: Percent


class _Counts(TypedDict):
    base: Count
    novel: Count
    all: Count


class _Sides(TypedDict):
    base: float
    novel: float


class _Scores(TypedDict):
    """What every data format has, what only some have, and what is by LVIS's frequencies."""

    AP50: _Percents
    AP: _Percents
    AP75: _Percents
    AP50_11_points: NotRequired[_Percents]
    AP_small: NotRequired[_Percents]
    AP_medium: NotRequired[_Percents]
    AP_large: NotRequired[_Percents]
    APr: NotRequired[Percent]
    APc: NotRequired[Percent]
    APf: NotRequired[Percent]


class _Data(TypedDict):
    format: str
    split: str
    shots: NotRequired[Count]
    photos: Count
    categories: _Counts
    objects: _Counts


class _Ensemble(_Scores):
    teacher_weights: _Sides


class _TeacherAccuracy(TypedDict):
    raw: _Percents
    renormalized: _Percents


class _Student(TypedDict):
    naming: _Percents


class _Probing(TypedDict):
    boxes_per_name: Count
    pull: float
    seed: int


class _Metrics(_Scores):
    """The form of `metrics.json`; other keys are ignored."""

    protocol: str
    probing: NotRequired[_Probing]
    data: _Data
    names_without_objects: NotRequired[dict[str, list[str]]]
    max_dets: int
    masks: NotRequired[_Scores]
    ensemble: NotRequired[_Ensemble]
    other_max_dets: dict[Limit, _Scores]
    teacher_accuracy: _TeacherAccuracy
    student: _Student
    proposal_recall: _Percents


_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Mask(TypedDict):
    size: Annotated[list[int], Field(min_length=2, max_length=2)]
    counts: str


class _Box(TypedDict):
    image_id: int
    category_id: int
    bbox: Annotated[list[_Number], Field(min_length=4, max_length=4)]
    segmentation: NotRequired[_Mask]


class _Detection(_Box):
    score: _Number


class _Object(_Box):
    iscrowd: int


class _Photo(TypedDict):
    id: int
    file_name: str
    width: int
    height: int


class _Category(TypedDict):
    id: int
    name: str


class _Truth(TypedDict):
    images: list[_Photo]
    annotations: list[_Object]
    categories: list[_Category]


_DETECTIONS, _TRUTH = TypeAdapter(list[_Detection]), TypeAdapter(_Truth)
_METRICS = TypeAdapter(_Metrics)
_BY_FREQUENCY = {f"AP{letter}" for letter in FREQUENCIES}


def check_detections(value: Any, truth: Mapping[str, Any]) -> Any:
    """Return the value if it is a list of COCO results of categories of the ground truth, else ValueError."""
    _DETECTIONS.validate_python(value, strict=True)
    return _check_categories(value, truth)


def check_truth(value: Any) -> Any:
    """Return the value if it has the form of `ground_truth.json`, else ValueError."""
    _TRUTH.validate_python(value, strict=True)
    _check_categories(value["annotations"], value)
    return value


def _check_categories(value: Any, truth: Mapping[str, Any]) -> Any:
    if not {box["category_id"] for box in value} <= {one["id"] for one in truth["categories"]}:
        raise ValueError("a box is of no category")
    return value


def check_metrics(value: Any) -> dict[str, Any]:
    """Return the value if it has the form of `metrics.json`.

    Raises:
        ValueError: it has another form.
    """
    _METRICS.validate_python(value, strict=True)
    for scores in (value, value.get("masks", {})):
        if 0 < len(_BY_FREQUENCY & scores.keys()) < len(_BY_FREQUENCY):
            raise ValueError("scores of some frequencies are missing")
    return dict(value)
