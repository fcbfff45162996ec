"""What the fuzzer damages: a finished tiny run, an export of it, and a folder for each case."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.reliability.scenarios import CARRIED, EXPORT
from benchmarks.reliability.tiny import start_tiny
from ezsd.cache.folders import MANIFEST
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import run_stage
from ezsd.pipeline.transfer import export_stages

KEPT = "kept"
"""A file outside each case's folder, which must stay as it is."""


@dataclass(frozen=True)
class Workbench:
    """Where the fuzzer works.

    Attributes:
        finished: folder of a finished tiny run, with an export of it; never changed.
        place: folder of the case, empty at its start.
        params: of the run.
    """

    finished: Path
    place: Path
    params: Params

    def clear(self) -> None:
        """Empty the case's folder."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()

    def take(self, folder: str = "") -> Path:
        """Links to the files of the finished run, or of one of its folders, in the case's folder."""
        place = self.place / "run" / folder
        shutil.copytree(self.finished / folder, place, copy_function=os.link)
        return self.place / "run"

    def kept(self) -> bool:
        """Whether nothing beside the case's folder was touched."""
        outside = self.place.parent / "outside"
        return (outside / KEPT).is_file() and {path.name for path in self.place.parent.iterdir()} == {
            self.finished.name,
            self.place.name,
            outside.name,
        }


def make_workbench(work: Path) -> Workbench:
    """Run the tiny pipeline in an empty folder, and export its artifacts."""
    finished, place = work / "finished", work / "case"
    params = start_tiny(finished)
    for stage in STAGES:
        run_stage(STAGES, stage, params, finished)
    export_stages(STAGES, CARRIED, params, finished, finished / EXPORT)
    (work / "outside").mkdir()
    (work / "outside" / KEPT).write_bytes(b"")
    place.mkdir()
    return Workbench(finished, place, params)


def overwrite(path: Path, data: bytes) -> None:
    """Replace a file, which may be a link."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def seal(folder: Path, name: str) -> None:
    """Record a file as it is now in the artifact's manifest, as an attacker would."""
    made = json.loads((folder / MANIFEST).read_bytes())
    data = (folder / name).read_bytes()
    made["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    overwrite(folder / MANIFEST, json.dumps(made).encode())


def some_photos() -> list[bytes]:
    """A small photo in every format that is read, and in several modes."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 4), dtype=np.uint8)
    colour, transparent = Image.fromarray(pixels[:, :, :3]), Image.fromarray(pixels)
    deep = Image.fromarray(pixels[:, :, 0].astype(np.uint16) << 8)
    turned = Image.Exif()
    turned[0x0112] = 6
    saved: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (colour, "JPEG", {}),
        (colour, "JPEG", {"progressive": True, "exif": turned}),
        (colour, "PNG", {}),
        (transparent, "PNG", {}),
        (deep, "PNG", {}),
        (colour.convert("P"), "GIF", {}),
        (colour, "WEBP", {}),
        (colour, "BMP", {}),
        (colour, "TIFF", {"compression": "tiff_lzw"}),
        (deep, "TIFF", {}),
        (colour.convert("1"), "PPM", {}),
    ]
    return [_encoded(image, form, options) for image, form, options in saved]


def _encoded(image: Image.Image, form: str, options: dict[str, Any]) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
