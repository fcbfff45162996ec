"""LVIS's average precision against lvis-api's, on the same drawn detections: difference and speed."""

import contextlib
import copy
import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lvis
import numpy as np

from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.timing import take_turns
from ezsd.evaluation.coco_form import Record
from ezsd.evaluation.federated import score_detections
from ezsd.evaluation.groups import FREQUENCIES, percent_by_frequency

NAMES, PHOTOS, FOUND, LIMIT = 1203, 100, 300, 300
PRESENT, ABSENT, OBJECTS_OF_A_NAME = 5, 12, 3
SEED = 0


def main() -> None:
    """Score one drawn data set with both and record the result."""
    logging.disable(logging.WARNING)
    np.float = float  # type: ignore[attr-defined]  # lvis 0.5.3 is older than numpy 1.24
    truth, detections = draw(np.random.default_rng(SEED))
    scores: dict[str, dict[str, float]] = {}
    seconds = take_turns(
        {
            "ezsd": lambda: scores.update(ezsd=ours(truth, detections)),
            "lvis-api": lambda: scores.update(theirs=by_lvis_api(truth, detections)),
        },
        rounds=1,
    )
    apart = max(abs(value - scores["theirs"][key]) for key, value in scores["ezsd"].items())
    measurements = [
        Measurement("lvis.parity_abs_diff", apart, "share", target=Target("<=", 1e-4)),
        ratio("lvis.speedup_vs_lvis_api", seconds["lvis-api"] / seconds["ezsd"]),
    ]
    write_result(Result("lvis", SEED, measurements, {"photos": PHOTOS, "names": NAMES, "found": FOUND}))


def ours(truth: Mapping[str, Any], detections: list[Record]) -> dict[str, float]:
    """Score with ours: shares in 0..1 by their names in lvis-api."""
    scores = score_detections(truth, detections, [LIMIT])[LIMIT]
    frequencies = [category["frequency"] for category in truth["categories"]]
    means = percent_by_frequency(scores.ap, frequencies)
    by_frequency = {key: (value or 0) / 100 for key, value in means.items()}
    return {"AP": np.nanmean(scores.ap), "AP50": np.nanmean(scores.ap50), **by_frequency}


def by_lvis_api(truth: Mapping[str, Any], detections: list[Record]) -> dict[str, float]:
    """Score with the reference."""
    with TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "truth.json"
        path.write_text(json.dumps(truth))
        annotations = lvis.LVIS(str(path))
        results = lvis.LVISResults(annotations, copy.deepcopy(detections), max_dets=LIMIT)
        run = lvis.LVISEval(annotations, results, "bbox")
        run.run()
    return dict(run.results)


def draw(rng: np.random.Generator) -> tuple[dict[str, Any], list[Record]]:
    """Draw LVIS ground truth, and the most detections per photo that LVIS counts, most of them wrong."""
    images, objects, found = [], [], []
    for image_id in range(1, PHOTOS + 1):
        searched = (rng.permutation(NAMES)[: PRESENT + ABSENT] + 1).tolist()
        present = searched[:PRESENT]
        images.append(_photo(image_id, searched[PRESENT:], present[:1]))
        boxes = [(name, _box(rng)) for name in present for _ in range(OBJECTS_OF_A_NAME)]
        objects += [_record(image_id, name, box) for name, box in boxes]
        near = [(name, box + rng.normal(0, 6, 4)) for name, box in boxes for _ in range(4)]
        names = np.where(
            rng.random(FOUND) < 0.3, rng.choice(searched, FOUND), rng.integers(1, NAMES + 1, FOUND)
        )
        astray = [(int(name), _box(rng)) for name in names[len(near) :]]
        found += [
            {**_record(image_id, name, box), "score": float(rng.random())} for name, box in (*near, *astray)
        ]
    categories = [
        {"id": id_, "name": str(id_), "frequency": list(FREQUENCIES)[id_ % 3]} for id_ in range(1, NAMES + 1)
    ]
    annotations = [{**one, "id": number, "iscrowd": 0} for number, one in enumerate(objects, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}, found


def _photo(image_id: int, absent: list[int], not_exhaustive: list[int]) -> Record:
    lists = {"neg_category_ids": absent, "not_exhaustive_category_ids": not_exhaustive}
    return {"id": image_id, "width": 640, "height": 480, **lists}


def _box(rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([rng.uniform(0, 300, 2), rng.uniform(5, 170, 2)])


def _record(image_id: int, category_id: int, box_xywh: np.ndarray) -> Record:
    corner, sides = box_xywh[:2], np.abs(box_xywh[2:]) + 1
    box = np.concatenate([corner, sides]).round(2).tolist()
    return {"image_id": image_id, "category_id": category_id, "bbox": box, "area": box[2] * box[3]}


if __name__ == "__main__":
    main()
