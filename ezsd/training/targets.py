"""What a photo teaches in one step: its flip, its scale, and a draw of its cached proposals."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ezsd.errors import InputError

FLIP_PROBABILITY = 0.5


@dataclass(frozen=True)
class CachedTargets:
    """All that is stored of one photo; boxes are absolute xyxy in pixels of the original photo.

    Attributes:
        boxes_xyxy, labels: (G, 4) float32 and (G,) int64, the objects to be found; labels index base names.
        object_boxes_xyxy, object_embeddings: (O, 4) and (O, D) float32, the teacher's view of ground truth.
        proposal_boxes_xyxy, proposal_embeddings: (P, 4) and (P, D) float32, its view of the proposals.
        proposal_confidences: (P,) float32 >= 0, how much each proposal's embedding is believed.
        masks: (G, H, W) uint8, 0 or 1, of the objects to be found; None where masks are not trained.
    """

    boxes_xyxy: Tensor
    labels: Tensor
    object_boxes_xyxy: Tensor
    object_embeddings: Tensor
    proposal_boxes_xyxy: Tensor
    proposal_embeddings: Tensor
    proposal_confidences: Tensor
    masks: Tensor | None = None

    def __post_init__(self) -> None:
        rows = {
            "box": (self.boxes_xyxy, self.labels, *([] if self.masks is None else [self.masks])),
            "object": (self.object_boxes_xyxy, self.object_embeddings),
            "proposal": (self.proposal_boxes_xyxy, self.proposal_embeddings, self.proposal_confidences),
        }
        for kind, parts in rows.items():
            if len({len(part) for part in parts}) > 1:
                raise InputError(f"{kind} rows do not match: {', '.join(str(len(part)) for part in parts)}")


@dataclass(frozen=True)
class DrawSettings:
    """What is left to chance.

    Attributes:
        proposals: at most so many of a photo's proposals are drawn, without replacement.
        short_sides: pixels, one of them is drawn.
    """

    proposals: int
    short_sides: tuple[int, ...]


def draw_example(
    photo: Tensor, cached: CachedTargets, settings: DrawSettings, seed: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """The photo (3, H, W) uint8, perhaps flipped, and the target that `ZeroShotDetector` trains on.

    An embedding stays as it is under a flip: the teacher sees much the same either way (method, section 3).
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(len(cached.proposal_boxes_xyxy), generator=generator)[: settings.proposals]
    short_side = settings.short_sides[int(torch.randint(len(settings.short_sides), (), generator=generator))]
    target = {
        "boxes": cached.boxes_xyxy,
        "labels": cached.labels,
        "distill_boxes": torch.cat([cached.object_boxes_xyxy, cached.proposal_boxes_xyxy[drawn]]),
        "distill_embeddings": torch.cat([cached.object_embeddings, cached.proposal_embeddings[drawn]]),
        "distill_weights": torch.cat(
            [torch.ones(len(cached.object_boxes_xyxy)), cached.proposal_confidences[drawn]]
        ),
        "short_side": torch.tensor(short_side),
        "seed": torch.randint(2**62, (), generator=generator),
    }
    if cached.masks is not None:
        target["masks"] = cached.masks
    if float(torch.rand((), generator=generator)) < FLIP_PROBABILITY:
        return flip_example(photo, target)
    return photo, target


def flip_example(photo: Tensor, target: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Left becomes right, in the photo and in all its boxes and masks."""
    width = photo.shape[-1]
    flipped = {key: flip_boxes_xyxy(target[key], width) for key in ("boxes", "distill_boxes")}
    if "masks" in target:
        flipped["masks"] = target["masks"].flip(-1)
    return photo.flip(-1), {**target, **flipped}


def flip_boxes_xyxy(boxes_xyxy: Tensor, width: int) -> Tensor:
    """Boxes (N, 4) mirrored in a picture of that width."""
    left, top, right, bottom = boxes_xyxy.unbind(1)
    return torch.stack([width - right, top, width - left, bottom], dim=1)
