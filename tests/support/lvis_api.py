"""The reference: lvis-api, made to run on today's numpy."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def by_lvis_api(
    truth: Path, detections: list[dict[str, Any]], shape: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> dict[str, float]:
    """What lvis-api says, in 0..1, or -1 where there is nothing to find: AP, AP50, APr, APs and so on."""
    lvis = pytest.importorskip("lvis", exc_type=ImportError)  # it imports OpenCV, which needs libGL
    monkeypatch.setattr(np, "float", float, raising=False)  # lvis 0.5.3 is older than numpy 1.24
    annotations = lvis.LVIS(str(truth))
    results = lvis.LVISResults(annotations, copy.deepcopy(detections), max_dets=limit)
    run = lvis.LVISEval(annotations, results, shape)
    run.run()
    return run.results


def masks_alone(detections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without their boxes, whose area lvis-api would take for the masks'."""
    return [{key: one[key] for key in one if key != "bbox"} for one in detections]
