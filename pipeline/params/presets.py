"""The packaged presets, which are complete params files, and the schedules for them."""

import json
import re
from importlib import resources
from typing import Any

import yaml

from ezsd.pipeline.errors import ParamsError

PAPERS = ("coco", "lvis", "voc")
"""Presets of the paper's data sets, which exist in the `RECIPES`."""

RECIPES = ("fast", "paper", "beyond")
"""`fast`: as packaged, with a cascade and a checked re-normalization. `paper`: every anchor is encoded, and
re-normalization goes to its end. `beyond`: `fast` with what is not the paper's and was measured to gain."""

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


def with_recipe(preset: str, text: str, recipe: str) -> str:
    """The text of a preset in one of `RECIPES`; raises ParamsError if it does not exist in that."""
    if recipe not in RECIPES:
        raise ParamsError(f"no recipe is named {recipe!r}: choose one of {', '.join(RECIPES)}")
    if recipe == "fast":
        return text
    _require_paper(preset, "recipe")
    if recipe == "beyond":
        return text.replace("\n  ensemble: null\n", "\n  ensemble: {}  # ViLD's exponents\n")
    text = re.sub(r"^  method: cascade$", "  method: exhaustive", text, flags=re.MULTILINE)
    return re.sub(r"^  check:\n(?:    .*\n)+", "  check: null\n", text, flags=re.MULTILINE)


def with_images_per_step(preset: str, text: str, images: int) -> str:
    """The text of a preset with another batch, and the learning rate in proportion (arXiv 1706.02677)."""
    _require_paper(preset, "linear rule for the learning rate")
    schedule = yaml.safe_load(text)["train"]["schedule"]
    rate = schedule["learning_rate"] * images / schedule["images_per_step"]
    return _with_schedule(text, {"images_per_step": images, "learning_rate": round(rate, 8)})


def packaged_sizes() -> dict[str, dict[str, Any]]:
    """Sizes of the recipe for own data, the largest first: changes of keys, each on top of those before."""
    sizes: dict[str, dict[str, Any]] = yaml.safe_load(_packaged("sizes"))
    return sizes


def _require_paper(preset: str, what: str) -> None:
    if preset not in PAPERS:
        raise ParamsError(f"preset {preset!r} has no such {what}: choose one of {', '.join(PAPERS)}")


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
