"""A teacher that knows colours, so that a test can say by hand what mining must find."""

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import CropClassifier
from ezsd.teacher.box_encoder import BoxEncoder

COLOURS = {
    "red": (1.0, 0, 0),
    "green": (0, 1.0, 0),
    "blue": (0, 0, 1.0),
    "yellow": (1.0, 1.0, 0),
    "violet": (1.0, 0, 1.0),
    "grey": (1.0, 1.0, 1.0),
}


class ColourTeacher:
    """Embeds a crop as the mean of its colour."""

    image_size, dim, logit_scale, logit_bias = 16, 3, 12.0, 0.0
    image_tower, text_tower = nn.LayerNorm(3), nn.LayerNorm(3)
    device = torch.device("cpu")

    def to(self, device):
        return self

    def pixels(self, crops):
        return crops.float() / 255

    def encode_images(self, pixels):
        return normalize(pixels.mean(dim=(2, 3)) + 1e-3, dim=1)

    def encode_texts(self, texts):
        return normalize(torch.tensor([COLOURS[text] for text in texts]), dim=1)


@pytest.fixture
def colour_classifier():
    """A classifier of crops among base names and others."""

    def make(base, others):
        teacher = ColourTeacher()
        text = teacher.encode_texts([*base, *others])
        return CropClassifier(BoxEncoder(teacher, batch=64), text, len(base))

    return make


@pytest.fixture
def coloured_photo():
    """Grey, 96 x 128, with coloured boxes `{(x0, y0, x1, y1): name}`."""

    def make(boxes):
        photo = torch.full((3, 96, 128), 60, dtype=torch.uint8)
        for (x0, y0, x1, y1), name in boxes.items():
            photo[:, y0:y1, x0:x1] = (torch.tensor(COLOURS[name]) * 255).to(torch.uint8)[:, None, None]
        return photo

    return make


@pytest.fixture
def small_grid():
    """A grid of 16 px steps over the photo as it is."""
    return MineConfig(
        long_side=128,
        short_side=96,
        stride=16,
        scales=(1, 2, 3),
        ratios=(1.0,),
        nms_iou=0.5,
        post_nms_top_n=200,
        base_iou=0.3,
        keep=20,
        context_factor=1.2,
    )
