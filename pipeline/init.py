"""Writes the files that a run needs: `params.yaml` from a preset, and `dvc.yaml`."""

import os
from importlib import resources
from pathlib import Path

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.pipeline.params.presets import with_images_per_step, with_recipe

DATA_PLACEHOLDER = "datasets/data"
"""Folder at the start of the presets' paths; `--data DIR` replaces it."""

DVC_FILE = "dvc.yaml"
STAGES_TEMPLATE = "dvc-stages.yaml"
"""The packaged `dvc.yaml`, under a name that DVC does not read."""


def render_preset(
    preset: str,
    data: Path | None,
    schedule: str | None = None,
    recipe: str = "fast",
    images_per_step: int | None = None,
) -> str:
    """Text of `params.yaml` for a preset, with the given data folder, schedule, recipe and batch.

    Raises:
        ParamsError: no such preset, schedule or recipe, or `data` given to a preset that draws its own data.
    """
    text = with_recipe(preset, preset_text(preset, schedule), recipe)
    if images_per_step is not None:
        text = with_images_per_step(preset, text, images_per_step)
    if data is not None:
        if DATA_PLACEHOLDER not in text:
            raise ParamsError(f"preset {preset!r} draws its own data: leave out --data")
        if not os.path.isdir(data):
            raise ParamsError(f"--data {data} is not a folder: give the one that holds the data set")
        text = text.replace(DATA_PLACEHOLDER, data.as_posix())
    parse_params(text, source=f"preset {preset}")
    return text


def write_project(path: Path, text: str, force: bool) -> None:
    """Write `text` to `path`, and `dvc.yaml` beside it; `force` replaces existing files that differ.

    Raises:
        ParamsError: a file exists and differs; neither is written.
    """
    stages = resources.files("ezsd.pipeline") / "presets" / STAGES_TEMPLATE
    wanted = {path: text, path.with_name(DVC_FILE): stages.read_text(encoding="utf-8")}
    changed = {file: own for file, own in wanted.items() if not _holds(file, own)}
    for file in changed:
        if file.exists() and not force:
            raise ParamsError(
                f"{file} exists and differs: give --force to replace it, or another --params file"
            )
    for file, own in changed.items():
        write_bytes_atomic(file, own.encode())


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
