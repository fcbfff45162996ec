"""The packaged presets, which are complete params files, and the schedules for them."""

import json
import re
from importlib import resources
from typing import Any

import yaml

from ezsd.pipeline.errors import ParamsError

PRESETS = ("demo", "long-tail", "coco", "lvis", "voc")


def preset_text(name: str, schedule: str | None = None) -> str:
    """The YAML text of a packaged preset, with its own schedule or the given one.

    Raises:
        ParamsError: no such preset or schedule.
    """
    if name not in PRESETS:
        raise ParamsError(f"no preset is named {name!r}: choose one of {', '.join(PRESETS)}")
    text = _packaged(name)
    return text if schedule is None else _with_schedule(text, _schedule(schedule))


def _schedule(name: str) -> dict[str, Any]:
    schedules: dict[str, dict[str, Any]] = yaml.safe_load(_packaged("schedules"))
    if name not in schedules:
        raise ParamsError(f"no schedule is named {name!r}: choose one of {', '.join(schedules)}")
    return schedules[name]


def _with_schedule(text: str, keys: dict[str, Any]) -> str:
    """Replace the values of these keys in `train` and its parts."""
    before, mark, train = text.partition("\ntrain:\n")
    train, end, after = train.partition("\nevaluate:\n")
    for key, value in keys.items():
        text = value if isinstance(value, str) else json.dumps(value)
        train = re.sub(rf"^( +{key}: ).*$", rf"\g<1>{text}", train, flags=re.MULTILINE)
    return before + mark + train + end + after


def _packaged(name: str) -> str:
    return (resources.files("ezsd.pipeline") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
