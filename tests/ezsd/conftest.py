"""A detector small enough to train in a blink."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from ezsd.detector.config import BackboneConfig, BoxHeadConfig, DetectorConfig, RpnConfig
from ezsd.detector.detector import ZeroShotDetector, build_detector

DIM, SIDE, PROPOSALS = 8, 64, 20


@dataclass(frozen=True)
class TinyDetection:
    """Makes tiny detectors and data for them."""

    dim: int = DIM
    side: int = SIDE

    def config(self, regressor: str = "semantic", frozen_stages: int = 1) -> DetectorConfig:
        options = {"stem_width": 4, "channels": [8, 8, 16, 16]}
        taps = ("layer2", "layer3", "layer4")
        return DetectorConfig(
            backbone=BackboneConfig(
                name="timm/resnet10t", options=options, taps=taps, frozen_stages=frozen_stages
            ),
            pyramid_channels=16,
            rpn=RpnConfig(
                anchor_sides=(16.0, 32.0, 48.0, 64.0), anchors_per_image=32, post_nms_top_n=PROPOSALS
            ),
            box_head=BoxHeadConfig(
                channels=8,
                width=16,
                regressor=regressor,  # type: ignore[arg-type]
                rois_per_image=16,
            ),
            short_side=self.side,
            long_side=2 * self.side,
        )

    def detector(self, names: int = 5, regressor: str = "semantic") -> ZeroShotDetector:
        torch.manual_seed(0)
        detector = build_detector(self.config(regressor), self.dim)
        detector.set_vocabulary(torch.randn(names, self.dim))
        return detector

    def photo(self, seed: int = 0, height: int = SIDE, width: int = SIDE) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)

    def boxes(self, count: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        corners = torch.rand(count, 2, generator=generator) * SIDE / 2
        return torch.cat([corners, corners + 8 + torch.rand(count, 2, generator=generator) * SIDE / 3], dim=1)

    def target(self, objects: int = 2, distilled: int = 4, seed: int = 0) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return {
            "boxes": self.boxes(objects, seed),
            "labels": torch.arange(objects) % 5,
            "distill_boxes": self.boxes(distilled, seed + 1),
            "distill_embeddings": torch.randn(distilled, self.dim, generator=generator),
            "distill_weights": torch.rand(distilled, generator=generator),
            "short_side": torch.tensor(SIDE),
            "seed": torch.tensor(seed),
        }


@pytest.fixture(scope="session")
def tiny() -> TinyDetection:
    return TinyDetection()
