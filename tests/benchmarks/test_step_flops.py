"""The arithmetic of a training step, against what its layers are known to cost."""

import torch

from benchmarks.step_flops import DIM, NAMES, PHOTO_HW, example_target, step_flops
from ezsd.detector.detector import build_detector
from ezsd.pipeline.params import parse_params, preset_text

FORWARD_AND_BACKWARD = 3
"""A product's gradients are two more of its size: for its input and for its weight."""


def test_a_box_to_distill_costs_its_way_through_the_head() -> None:
    params = parse_params(preset_text("demo"), ["train.backbone_weights=random"]).train
    config = params.detector
    detector = build_detector(config, DIM)
    detector.set_vocabulary(torch.randn(NAMES, DIM))
    photo = torch.randint(256, (3, *PHOTO_HW), dtype=torch.uint8)

    plain, distilled = (step_flops(detector, photo, example_target(params, boxes)) for boxes in (0, 10))

    head = config.box_head
    cells, channels, width = head.roi_side**2, head.channels, head.width
    convolutions = cells * 9 * channels * (config.pyramid_channels + 3 * channels)
    linear = cells * channels * width + width * width + width * DIM
    assert distilled - plain == 10 * 2 * (convolutions + linear) * FORWARD_AND_BACKWARD
