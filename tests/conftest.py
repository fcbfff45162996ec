"""A teacher small enough for tests: an ordinary open_clip ViT with random weights."""

import json
from collections.abc import Callable

import pytest
import torch

from ezsd.teacher.load import TeacherSource, load_teacher
from ezsd.teacher.protocol import Teacher

TINY_CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="session")
def tiny_config_text() -> str:
    """The tiny teacher's open_clip config as JSON text."""
    return json.dumps(TINY_CONFIG)


@pytest.fixture
def tiny_teacher(tiny_config_text: str) -> Teacher:
    """A fresh tiny teacher: 32 px, 16 dimensions, LayerNorm, deterministic weights."""
    return load_teacher(TeacherSource("tiny", config_text=tiny_config_text, seed=3))


@pytest.fixture
def random_photo() -> Callable[..., torch.Tensor]:
    """Makes uint8 `(3, height, width)` noise from a seed."""

    def make(height: int, width: int, seed: int = 0) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)

    return make
