"""Writes a `params.yaml` from a preset."""

import os
from pathlib import Path

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params import parse_params, preset_text

DATA_PLACEHOLDER = "datasets/data"
"""Where the presets' paths start; `--data DIR` puts another folder in its place."""


def render_preset(preset: str, data: Path | None, schedule: str | None = None) -> str:
    """Text of `params.yaml` for a preset, with the data set's folder filled in, or another schedule.

    Raises:
        ParamsError: no such preset or schedule, or `data` given to a preset that draws its own data.
    """
    text = preset_text(preset, schedule)
    if data is not None:
        if DATA_PLACEHOLDER not in text:
            raise ParamsError(f"preset {preset!r} draws its own data: leave out --data")
        if not os.path.isdir(data):
            raise ParamsError(f"--data {data} is not a folder: give the one that holds the data set")
        text = text.replace(DATA_PLACEHOLDER, data.as_posix())
    parse_params(text, source=f"preset {preset}")
    return text


def write_params(path: Path, text: str, force: bool) -> None:
    """Writes `text` to `path`; other content there stays unless `force`.

    Raises:
        ParamsError: the file exists and says something else.
    """
    if path.exists() and path.read_text(encoding="utf-8") != text and not force:
        raise ParamsError(f"{path} exists and differs: give --force to replace it, or another --params file")
    write_bytes_atomic(path, text.encode())
