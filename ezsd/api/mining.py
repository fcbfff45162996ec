"""The public functions of mining: a photo's proposals, and the cascade that needs fewer forwards."""

from collections.abc import Sequence
from functools import reduce
from operator import add

import torch

from ezsd.api.inputs import Boxes, as_boxes
from ezsd.api.results import Proposals
from ezsd.errors import InputError
from ezsd.mining.cascade import CascadeMiner, objectness_sums
from ezsd.mining.config import CascadeConfig, MineConfig
from ezsd.mining.exhaustive import mine_exhaustively
from ezsd.mining.proposals import CropClassifier
from ezsd.photos import Photo, as_photo
from ezsd.pipeline.models.vocabulary import check_names
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

BATCH = 256
"""Crops that are encoded at once; fewer when memory runs out."""


def mine(
    teacher: Teacher,
    photo: Photo,
    names: Sequence[str],
    *,
    base_boxes: Boxes | None = None,
    base_names: Sequence[str] = (),
    config: MineConfig | None = None,
    cascade: CascadeMiner | None = None,
    prompts: Prompts | None = None,
) -> Proposals:
    """Mine the boxes of a photo that the teacher is most certain of (the paper's second idea).

    All anchors go through the teacher, with the paper's recipe about 12,750 crops a photo, or a fraction of
    them with a cascade.

    Args:
        teacher: preferably re-normalized.
        photo: a path, a PIL image, or RGB uint8 pixels.
        names: all names that compete for a box, base and novel.
        base_boxes: `(M, 4)` xyxy, ground truth of the photo; proposals that overlap it are dropped.
        base_names: those of `names` that have ground truth; proposals with these names are dropped.
        config: the recipe; the paper's when None.
        cascade: from `fit_cascade`, with the same `config`; None mines exhaustively, as the paper does.
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
    known = as_boxes([] if base_boxes is None else base_boxes, "base_boxes")
    found = (cascade or mine_exhaustively)(as_photo(photo), known, classifier, config or MineConfig())
    places = torch.tensor([wanted.index(name) for name in order])
    return Proposals(**{**vars(found), "labels": places[found.labels]}, names=wanted)


def fit_cascade(
    teacher: Teacher,
    photos: Sequence[Photo],
    boxes: Sequence[Boxes],
    *,
    config: MineConfig | None = None,
    cascade: CascadeConfig | None = None,
) -> CascadeMiner:
    """Fit what ranks the anchors of a photo before the teacher sees crops of the best (not the paper's).

    Args:
        teacher: the one to mine with; its image tower must give dense maps, as ViTs and ResNets do.
        photos: paths, PIL images, or RGB uint8 pixels; some hundred are enough.
        boxes: base boxes of each photo, `(M, 4)` xyxy in its pixels.
        config: the recipe, whose anchors are ranked; the paper's when None.
        cascade: the fraction of the anchors whose crops are encoded; a tenth when None.

    Raises:
        InputError: a photo or box cannot be used, there is none, or the teacher has no dense maps.
    """
    if len(photos) != len(boxes) or not photos:
        raise InputError(
            f"photos and boxes must be of one length, at least 1, got {len(photos)} and {len(boxes)}"
        )
    recipe = config or MineConfig()
    sums = [
        objectness_sums(as_photo(photo), as_boxes(own, f"boxes of photo {number}"), teacher, recipe)
        for number, (photo, own) in enumerate(zip(photos, boxes, strict=True))
    ]
    return CascadeMiner(reduce(add, sums).solve(), (cascade or CascadeConfig()).fraction)
