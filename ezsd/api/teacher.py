"""The public functions that need a teacher: load it, re-normalize it, mine a photo."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ezsd.api.results import Proposals
from ezsd.boxes import box_area, check_boxes_xyxy
from ezsd.errors import InputError
from ezsd.mining.config import MineConfig
from ezsd.mining.exhaustive import mine_exhaustively
from ezsd.mining.proposals import CropClassifier
from ezsd.photos import Photo, as_photo
from ezsd.pipeline.models.vocabulary import check_names
from ezsd.renorm.config import RenormConfig
from ezsd.renorm.labelled_crops import LabelledCrops, Piece, RememberedCrops
from ezsd.renorm.norm_layers import load_norm_state
from ezsd.renorm.tune import Tuner
from ezsd.teacher import load
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.crops import square_crops
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher
from ezsd.teacher.source import find_teacher

MAX_BYTES = 2 << 30
"""Size of the crops that are kept in memory, so that later epochs need not decode photos again."""

BATCH = 256
"""Crops that are encoded at once; fewer when memory runs out."""

Boxes = Tensor | np.ndarray | Sequence[Sequence[float]]
"""`(N, 4)` xyxy in absolute pixels of the photo; N may be 0."""

Labels = Tensor | np.ndarray | Sequence[int]
"""`(N,)`, indices into the names."""


def load_teacher(
    model: str,
    weights: str | None = None,
    *,
    norms: str | Path | None = None,
    device: str | torch.device | None = None,
) -> Teacher:
    """Load a CLIP, frozen and in evaluation mode.

    Args:
        model: an open_clip architecture (`ViT-B-32-quickgelu`), the path of an open_clip config (`*.json`),
            `world-teacher` (a small one that is part of the package), or `package.module:function`, which
            returns a `Teacher`.
        weights: a tag of open_clip's published weights (`openai`), the path of a file (safetensors, or a
            state dict), or `random`. Not needed for `world-teacher` and functions.
        norms: `norms.safetensors` of a run's `artifacts/renorm`: its re-normalized norm layers.
        device: where it runs; when None, a GPU if there is one.

    Raises:
        InputError: there is no such model, or its weights do not fit it or cannot be downloaded.
    """
    teacher = load.load_teacher(find_teacher(model, weights))
    if norms is not None:
        load_norm_state(teacher, _read_norms(Path(norms)))
    return teacher.to(torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))


def renormalize(
    teacher: Teacher,
    photos: Sequence[Photo],
    boxes: Sequence[Boxes],
    labels: Sequence[Labels],
    names: Sequence[str],
    *,
    config: RenormConfig | None = None,
    prompts: Prompts | None = None,
) -> Teacher:
    """Tune the norm layers of a copy of the teacher on base boxes (the paper's first idea).

    The same arguments give the same copy.

    Args:
        teacher: any; it is not changed.
        photos: paths, PIL images, or RGB uint8 pixels.
        boxes: base boxes of each photo, `(N, 4)` xyxy in its pixels.
        labels: of the boxes of each photo, `(N,)`, an index into `names`.
        names: the base names.
        config: the recipe, of method `tune`; the paper's for COCO when None.
        prompts: texts of a name; the paper's `a photo of a {}` when None.

    Returns:
        The copy, on the device of `teacher`, frozen again.

    Raises:
        InputError: a photo, box, label or name cannot be used, there is no box, the teacher has no norm
            layers, or `config` is of another method.
    """
    base, recipe = check_names(names), config or RenormConfig()
    if recipe.method != "tune":
        raise InputError(f"renormalize follows the method 'tune', got {recipe.method!r}")
    renormed = deepcopy(teacher)
    data = _labelled_crops(photos, _labelled(boxes, labels, len(base)), recipe, teacher.image_size)
    tuner = Tuner(renormed, base, prompts or Prompts(), data, recipe)
    tuner.run(None, lambda state: None)
    return renormed


def mine(
    teacher: Teacher,
    photo: Photo,
    names: Sequence[str],
    *,
    base_boxes: Boxes | None = None,
    base_names: Sequence[str] = (),
    config: MineConfig | None = None,
    prompts: Prompts | None = None,
) -> Proposals:
    """Mine the boxes of a photo that the teacher is most certain of (the paper's second idea).

    All anchors go through the teacher: with the paper's recipe about 12,750 crops a photo.

    Args:
        teacher: preferably re-normalized.
        photo: a path, a PIL image, or RGB uint8 pixels.
        names: all names that compete for a box, base and novel.
        base_boxes: `(M, 4)` xyxy, ground truth of the photo; proposals that overlap it are dropped.
        base_names: those of `names` that have ground truth; proposals with these names are dropped.
        config: the recipe; the paper's when None.
        prompts: texts of a name; the paper's `a photo of a {}` when None.

    Raises:
        InputError: the photo, a box or a name cannot be used, or a base name is not among `names`.
    """
    wanted, base = check_names(names), tuple(base_names)
    if unknown := [name for name in base if name not in wanted]:
        raise InputError(f"the base name {unknown[0]!r} is not among names: add it there")
    order = [*base, *(name for name in wanted if name not in base)]
    with torch.inference_mode():
        text = embed_names(teacher, order, prompts or Prompts()).cpu()
    classifier = CropClassifier(BoxEncoder(teacher, BATCH), text, len(base))
    known = _as_boxes([] if base_boxes is None else base_boxes, "base_boxes")
    found = mine_exhaustively(as_photo(photo), known, classifier, config or MineConfig())
    places = torch.tensor([wanted.index(name) for name in order])
    return Proposals(**{**vars(found), "labels": places[found.labels]}, names=wanted)


def _labelled(boxes: Sequence[Boxes], labels: Sequence[Labels], names: int) -> list[tuple[Tensor, Tensor]]:
    """Boxes `(n, 4)` and labels `(n,)` of each photo, checked."""
    if len(boxes) != len(labels):
        raise InputError(f"boxes and labels must be of one length, got {len(boxes)} and {len(labels)}")
    return [
        (_as_boxes(own, f"boxes of photo {photo}"), _as_labels(classes, len(own), names, photo))
        for photo, (own, classes) in enumerate(zip(boxes, labels, strict=True))
    ]


def _labelled_crops(
    photos: Sequence[Photo], labelled: Sequence[tuple[Tensor, Tensor]], config: RenormConfig, size: int
) -> LabelledCrops:
    """Labelled crops of the photos that have a box."""
    if len(photos) != len(labelled):
        raise InputError(f"photos and boxes must be of one length, got {len(photos)} and {len(labelled)}")
    used = [
        (photo, boxes_xyxy, classes)
        for photo, (boxes_xyxy, classes) in zip(photos, labelled, strict=True)
        if len(boxes_xyxy)
    ]
    if not used:
        raise InputError("there is no box in any photo: re-normalization needs base boxes")

    def cut(piece: Piece) -> Tensor:
        photo, boxes_xyxy, _ = used[piece.photo]
        own_xyxy = boxes_xyxy[piece.start : piece.stop]
        return square_crops(as_photo(photo), own_xyxy, config.context_factor, size, config.min_side)

    areas = [_relative_areas(photo, boxes_xyxy) for photo, boxes_xyxy, _ in used]
    return LabelledCrops([classes for _, _, classes in used], areas, RememberedCrops(cut, MAX_BYTES))


def _relative_areas(photo: Photo, boxes_xyxy: Tensor) -> Tensor:
    pixels = as_photo(photo)
    return box_area(boxes_xyxy) / (pixels.shape[1] * pixels.shape[2])


def _as_boxes(boxes: Boxes, what: str) -> Tensor:
    boxes_xyxy = _as_tensor(boxes, torch.float32, what)
    if boxes_xyxy.numel() == 0:
        return boxes_xyxy.reshape(0, 4)
    try:
        check_boxes_xyxy(boxes_xyxy)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    if not (boxes_xyxy[:, 2:] > boxes_xyxy[:, :2]).all():
        raise InputError(f"{what}: a box has x1 <= x0 or y1 <= y0, or a corner that is no number")
    return boxes_xyxy


def _as_labels(labels: Labels, boxes: int, names: int, photo: int) -> Tensor:
    what = f"labels of photo {photo}"
    classes = _as_tensor(labels, torch.int64, what)
    if classes.shape != (boxes,):
        raise InputError(f"{what} must have shape ({boxes},), one for each box, got {tuple(classes.shape)}")
    if not ((classes >= 0) & (classes < names)).all():
        raise InputError(f"{what} must lie in 0..{names - 1}, indices into the names, got {classes.tolist()}")
    return classes


def _as_tensor(values: Any, dtype: torch.dtype, what: str) -> Tensor:
    try:
        return torch.as_tensor(values, dtype=dtype).cpu()
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be numbers in rows of one length ({error})") from None


def _read_norms(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        raise InputError(
            f"{path} is missing or damaged: give norms.safetensors of artifacts/renorm"
        ) from None
