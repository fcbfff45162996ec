"""The public functions that make a teacher: load it, re-normalize it."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ezsd.api.inputs import Boxes, Labels, labelled_boxes
from ezsd.boxes import box_area
from ezsd.errors import InputError
from ezsd.photos import Photo, as_photo
from ezsd.pipeline.models.vocabulary import check_names
from ezsd.renorm.check import Probe
from ezsd.renorm.config import RenormConfig
from ezsd.renorm.held_back import hold_back
from ezsd.renorm.labelled_crops import LabelledCrops, Piece, RememberedCrops
from ezsd.renorm.norm_layers import find_norm_layers, interpolate_norms, load_norm_state, norm_state
from ezsd.renorm.statistics import renormalize_by_statistics
from ezsd.renorm.trial import Choice
from ezsd.renorm.tune import Tuner
from ezsd.teacher import load
from ezsd.teacher.crops import centre_square, square_crops
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher
from ezsd.teacher.source import find_teacher

MAX_BYTES = 2 << 30
"""Size of the crops that are kept in memory, so that later epochs need not decode photos again."""

SAMPLE = 256
"""Number of whole photos, and of boxes, that the method `statistics` uses."""

Labelled = tuple[Photo, Tensor, Tensor]
"""A photo with its boxes, float32 `(n, 4)` xyxy, and their labels, int64 `(n,)`."""


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
    """Re-normalize a copy of the teacher on base boxes (the paper's first idea).

    The same arguments give the same copy.

    Args:
        teacher: any; it is not changed.
        photos: paths, PIL images, or RGB uint8 pixels.
        boxes: base boxes of each photo, `(N, 4)` xyxy in its pixels.
        labels: of the boxes of each photo, `(N,)`, an index into `names`.
        names: the base names.
        config: method, loss and schedule; the paper's for COCO when None: binary cross-entropy, 12 epochs.
        prompts: texts of a name; the paper's `a photo of a {}` when None.

    Returns:
        The copy, on the device of `teacher`, frozen again.

    Raises:
        InputError: a photo, box, label or name cannot be used, there is no box, the teacher has no norm
            layers, or `config.check` asks for more names or photos than there are.
    """
    base, recipe, renormed = check_names(names), config or RenormConfig(), deepcopy(teacher)
    used = _with_boxes(photos, labelled_boxes(boxes, labels, len(base)))
    data = _labelled_crops(used, recipe, teacher.image_size)
    if recipe.method == "tune":
        _tune(renormed, base, prompts or Prompts(), data, recipe)
    elif recipe.method == "statistics":
        chosen = data.sample(SAMPLE, recipe.seed)[:SAMPLE]
        whole = torch.cat([centre_square(as_photo(used[row][0]), teacher.image_size) for row in chosen])
        crops, _ = next(data.batches(chosen, SAMPLE))
        renormalize_by_statistics(renormed, whole, crops[:SAMPLE])
    return renormed


def _tune(
    teacher: Teacher, names: Sequence[str], prompts: Prompts, data: LabelledCrops, config: RenormConfig
) -> None:
    """Tune in place; a probe chooses epoch and interpolation first if the config asks for one."""
    choice = Choice(config.epochs, 1.0)
    if config.check is not None:
        probe = Probe(teacher, names, prompts, hold_back(data, config.check), config, config.check)
        choice = probe.run(None, lambda state: None).choose()
    raw = norm_state(find_norm_layers(teacher, config.towers))
    tuner = Tuner(teacher, names, prompts, data, replace(config, epochs=choice.epoch))
    tuned = tuner.run(None, lambda state: None)
    load_norm_state(teacher, interpolate_norms(raw, tuned.norms, choice.way))


def _with_boxes(photos: Sequence[Photo], labelled: Sequence[tuple[Tensor, Tensor]]) -> list[Labelled]:
    """The photos that have a box."""
    if len(photos) != len(labelled):
        raise InputError(f"photos and boxes must be of one length, got {len(photos)} and {len(labelled)}")
    used = [
        (photo, boxes_xyxy, classes)
        for photo, (boxes_xyxy, classes) in zip(photos, labelled, strict=True)
        if len(boxes_xyxy)
    ]
    if not used:
        raise InputError("there is no box in any photo: re-normalization needs base boxes")
    return used


def _labelled_crops(used: Sequence[Labelled], config: RenormConfig, size: int) -> LabelledCrops:
    """Labelled crops of photos that have a box."""

    def cut(piece: Piece) -> Tensor:
        photo, boxes_xyxy, _ = used[piece.photo]
        own_xyxy = boxes_xyxy[piece.start : piece.stop]
        return square_crops(as_photo(photo), own_xyxy, config.context_factor, size, config.min_side)

    areas = [_relative_areas(photo, boxes_xyxy) for photo, boxes_xyxy, _ in used]
    return LabelledCrops([classes for _, _, classes in used], areas, RememberedCrops(cut, MAX_BYTES))


def _relative_areas(photo: Photo, boxes_xyxy: Tensor) -> Tensor:
    pixels = as_photo(photo)
    return box_area(boxes_xyxy) / (pixels.shape[1] * pixels.shape[2])


def _read_norms(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        raise InputError(
            f"{path} is missing or damaged: give norms.safetensors of artifacts/renorm"
        ) from None
