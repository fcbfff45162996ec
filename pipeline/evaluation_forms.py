"""The forms of the files of `artifacts/evaluate`, which may come from others."""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict

Percent = Annotated[float, Field(ge=0, le=100)] | None
Percents = dict[str, Percent]


class _Scores(BaseModel):
    AP50: Percents
    AP: Percents
    AP75: Percents


class _Data(BaseModel):
    format: str
    split: str
    shots: int = 0
    photos: int
    categories: dict[str, int]
    objects: dict[str, int]


class _Ensemble(_Scores):
    teacher_weights: dict[str, float]


class _Student(BaseModel):
    naming: Percents


class _Metrics(_Scores):
    """The form of `metrics.json`; other keys are ignored."""

    protocol: str
    data: _Data
    names_without_objects: dict[str, list[str]] = {}
    max_dets: int
    masks: _Scores | None = None
    ensemble: _Ensemble | None = None
    other_max_dets: dict[str, _Scores]
    teacher_accuracy: dict[str, Percents]
    student: _Student
    proposal_recall: Percents


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
    _Metrics.model_validate(value, strict=True)
    return dict(value)
