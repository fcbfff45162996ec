"""Configurations are frozen, check their values, and load fast."""

import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from ezsd.config import Count, Fraction, config
from ezsd.detector.config import DetectorConfig, RpnConfig

MODULES = ("renorm", "mining", "detector", "training", "evaluation")


@config
class Example:
    """Two values."""

    share: Fraction
    count: Count = 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"share": 1.5}, "share"),
        ({"share": float("nan")}, "share"),
        ({"share": 0.5, "count": 0}, "count"),
        ({"share": 0.5, "number": 1}, "number"),
        ({}, "share"),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Example(**values)


def test_it_is_frozen_and_its_copies_are_checked() -> None:
    example = Example(share=0.5)
    with pytest.raises(FrozenInstanceError):
        example.count = 4  # type: ignore[misc]
    assert replace(example, count=4) == Example(share=0.5, count=4)
    with pytest.raises(ValueError, match="count"):
        replace(example, count=0)
    assert pickle.loads(pickle.dumps(example)) == example


def test_a_pyramid_has_an_anchor_side_for_each_level() -> None:
    with pytest.raises(ValueError, match=r"rpn\.anchor_sides needs 5 sides"):
        DetectorConfig(rpn=RpnConfig(anchor_sides=(32, 64)))


def test_a_detector_s_config_comes_back_from_plain_values() -> None:
    config = DetectorConfig(short_side=640)
    assert DetectorConfig.from_dict(config.to_dict()) == config


def test_configurations_load_no_torch() -> None:
    imports = "; ".join(f"import ezsd.{module}.config" for module in MODULES)
    script = f"import sys; {imports}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
