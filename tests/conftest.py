"""What several rooms' tests share: a tiny teacher, a tiny data set in COCO's format, the real photos."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import settings
from PIL import Image, ImageDraw

from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.teacher.load import load_teacher
from ezsd.teacher.protocol import Teacher
from ezsd.teacher.source import TeacherSource

# No test measures time: on a busy machine a slow example is no fault.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

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


@dataclass
class TinyDataset:
    """A COCO-format data set of small photos; change `train` and `val`, then `save`.

    Base names are cat and dog, cow is novel, and nobody asks for sofa. Boxes are x, y, width, height.
    """

    folder: Path
    train: dict[str, Any] = field(default_factory=dict)
    val: dict[str, Any] = field(default_factory=dict)

    CATEGORY_IDS = {"cat": 17, "dog": 18, "cow": 21, "sofa": 63}  # noqa: RUF012
    COLOURS = {"cat": "red", "dog": "green", "cow": "blue", "sofa": "yellow"}  # noqa: RUF012

    def write(self) -> "TinyDataset":
        """Draw the photos and write the annotations."""
        self.train = self._annotate(
            "train",
            {
                "b.jpg": (
                    10,
                    64,
                    48,
                    [("cat", 4, 4, 30, 20), ("dog", 36, 10, 24, 30), ("cow", 2, 28, 20, 16)],
                ),
                "a.jpg": (7, 48, 64, [("cat", 10, 12, 30, 40)]),
                "sub/c.png": (120, 64, 48, [("cow", 8, 8, 40, 30)]),
                "empty.jpg": (30, 64, 48, []),
                "d.jpg": (31, 80, 60, [("dog", 5, 5, 60, 50), ("cat", 70, 50, 3, 2), ("sofa", 1, 1, 9, 9)]),
            },
        )
        self.train["annotations"][5]["iscrowd"] = 1  # the large dog
        self.val = self._annotate(
            "val",
            {
                "v1.jpg": (1, 64, 48, [("cat", 6, 6, 24, 24), ("cow", 34, 8, 24, 32)]),
                "v2.jpg": (2, 64, 48, [("dog", 10, 10, 40, 30)]),
            },
        )
        return self.save()

    def save(self) -> "TinyDataset":
        """Write the annotation files as `train` and `val` are now."""
        for which in ("train", "val"):
            self.annotations(which).write_text(json.dumps(getattr(self, which)))
        return self

    def photos(self, which: str) -> Path:
        """Folder of the photos."""
        return self.folder / which

    def annotations(self, which: str) -> Path:
        """The annotation file."""
        return self.folder / f"{which}.json"

    def params(self, *overrides: str) -> Params:
        """The demo's params, pointed at this data set; one worker."""
        tree = yaml.safe_load(preset_text("demo"))
        tree["data"] = {"format": "coco", "split": {"base": ["cat", "dog"], "novel": ["cow"]}}
        for which in ("train", "val"):
            tree["data"][f"{which}_photos"] = str(self.photos(which))
            tree["data"][f"{which}_annotations"] = str(self.annotations(which))
        return parse_params(yaml.safe_dump(tree), ["run.workers=1", *overrides])

    def _annotate(self, which: str, photos: dict[str, tuple[int, int, int, list[Any]]]) -> dict[str, Any]:
        images, annotations = [], []
        for name, (image_id, width, height, things) in photos.items():
            images.append({"id": image_id, "file_name": name, "width": width, "height": height})
            self._draw(self.photos(which) / name, (width, height), things)
            for thing, *box in things:
                annotations.append(
                    {
                        "id": 100 + len(annotations),
                        "image_id": image_id,
                        "category_id": self.CATEGORY_IDS[thing],
                        "bbox": box,
                        "area": box[2] * box[3],
                        "segmentation": [_corners(*box)],
                        "iscrowd": 0,
                    }
                )
        categories = [{"id": number, "name": name} for name, number in self.CATEGORY_IDS.items()]
        return {"images": images, "annotations": annotations, "categories": categories}

    def _draw(self, path: Path, size_wh: tuple[int, int], things: Sequence[Any]) -> None:
        noise = np.random.default_rng(0).integers(60, 200, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
        image = Image.fromarray(noise)
        for thing, x, y, width, height in things:
            corners = (x, y, x + width - 1, y + height - 1)
            ImageDraw.Draw(image).rectangle(corners, fill=self.COLOURS[thing])
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)


def _corners(x: int, y: int, width: int, height: int) -> list[int]:
    """A rectangle as COCO's polygon."""
    return [x, y, x + width, y, x + width, y + height, x, y + height]


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> TinyDataset:
    """A fresh tiny data set in `tmp_path / "data"`."""
    return TinyDataset(tmp_path / "data").write()


@pytest.fixture(scope="session")
def coco_photos() -> Path:
    """Folder of real COCO photos in COCO's own layout; the test is skipped where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "coco-photos"
    folder = Path(os.environ.get("EZSD_PHOTOS", beside))
    if not (folder / "annotations").is_dir():
        pytest.skip(f"no COCO photos in {folder}: set EZSD_PHOTOS to a folder in COCO's layout")
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects anywhere, or looks up an address, fails the test with an error that nobody expects."""

    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"went out to the network: {arguments}")

    for name in ("socket.socket.connect", "socket.getaddrinfo", "socket.create_connection"):
        monkeypatch.setattr(name, refuse)
