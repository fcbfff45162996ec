"""How many operations distillation adds to a training step: counted, so the same on every machine.

Times of the demo's small detector are not those of COCO's, and a step of that takes half a minute on a CPU.
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from ezsd.detector.detector import ZeroShotDetector, build_detector
from ezsd.pipeline.params import TrainParams, parse_params, preset_text

PHOTO_HW = (480, 640)
OBJECTS = 7
"""Boxes per photo: COCO has 7.3 on average."""
DIM = 512
NAMES = 48
_OFFLINE = "train.backbone_weights=random"


def coco_step_ratio() -> float:
    """Return operations of the COCO preset's step with cached targets over those without, for one photo."""
    params = parse_params(preset_text("coco"), [_OFFLINE]).train
    torch.manual_seed(params.seed)
    detector = build_detector(params.detector, DIM)
    detector.set_vocabulary(torch.randn(NAMES, DIM))
    photo = torch.randint(256, (3, *PHOTO_HW), dtype=torch.uint8)
    distilled, plain = (
        step_flops(detector, photo, example_target(params, boxes))
        for boxes in (OBJECTS + params.examples.proposals_per_image, 0)
    )
    return distilled / plain


def example_target(params: TrainParams, distilled: int) -> dict[str, Tensor]:
    """Return random targets of a photo, `distilled` of them to distill."""
    target = {
        "boxes": _random_boxes_xyxy(OBJECTS),
        "labels": torch.randint(NAMES, (OBJECTS,)),
        "distill_boxes": _random_boxes_xyxy(distilled),
        "distill_embeddings": F.normalize(torch.randn(distilled, DIM), dim=1),
        "distill_weights": torch.ones(distilled),
        "short_side": torch.tensor(params.detector.short_side),
        "seed": torch.tensor(0),
    }
    if params.detector.mask_head is not None:
        target["masks"] = torch.ones(OBJECTS, *PHOTO_HW, dtype=torch.uint8)
    return target


def step_flops(detector: ZeroShotDetector, photo: Tensor, target: dict[str, Tensor]) -> int:
    """Count floating-point operations of convolutions and matrix products, forward and backward."""
    detector.train()
    with FlopCounterMode(display=False) as counter:
        torch.stack(list(detector([photo], [target]).values())).sum().backward()
    detector.zero_grad()
    return int(counter.get_total_flops())


def _random_boxes_xyxy(count: int) -> Tensor:
    """Draw boxes (count, 4) with 10 to 60 % of the photo's sides."""
    height, width = PHOTO_HW
    size = torch.tensor([width, height])
    sides = (0.1 + 0.5 * torch.rand(count, 2)) * size
    corners = torch.rand(count, 2) * (size - sides)
    return torch.cat([corners, corners + sides], dim=1)
