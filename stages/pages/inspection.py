"""`ezsd-cli inspect`: one artifact or one training photo in detail, as plain values and as pictures."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ezsd.cache.artifacts import Embedded, Mined, Renormed
from ezsd.cache.renorm_file import CheckRecord
from ezsd.cache.sharded import ShardedStore
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.runner import artifact_folder, require_artifact
from ezsd.stages.pages.curves import draw_curves, stack
from ezsd.stages.pages.drawing import draw_bars
from ezsd.stages.pages.inspection_text import outline
from ezsd.stages.pages.mined import (
    confidence_histogram,
    count_names,
    score_histogram,
)
from ezsd.stages.pages.pseudo_boxes import describe_pseudo_boxes

BINS = 20
LAYERS_DRAWN = 30
LONG_SIDE = 1024
CHECKED = ("held-back names", "held-back names, alone", "held-back photos")
"""What the check of a re-normalization measures, in the order of `CheckRecord`."""


def inspect_stage(root: Path, stage: str) -> dict[str, Any]:
    """Describe one artifact: what its manifest says, and its arrays, histograms, changes or metrics.

    Raises:
        PipelineError: no such stage.
        ArtifactError: the artifact is missing, interrupted or damaged.
    """
    if stage not in STAGES:
        raise PipelineError(f"there is no stage {stage!r}: choose one of {', '.join(STAGES)}, or proposals")
    folder, manifest = artifact_folder(root, stage), require_artifact(root, stage)
    details = {
        "prepare": _prepare,
        "renorm": _renorm,
        "mine": _mine,
        "embed": _embed,
        "pseudo": describe_pseudo_boxes,
        "evaluate": _evaluate,
    }.get(stage)
    return {"stage": stage, **outline(manifest), **(details(folder) if details else {})}


def norm_changes(root: Path) -> list[dict[str, Any]]:
    """Tower, name, channels and relative change of each norm layer, largest change first."""
    layers = Renormed(artifact_folder(root, "renorm")).read().layers
    changes = [
        {
            "tower": layer.tower,
            "name": layer.name,
            "channels": len(layer.gamma_before),
            "relative_change": layer.relative_change,
        }
        for layer in layers
    ]
    return sorted(changes, key=lambda change: -change["relative_change"])


def draw_renorm(root: Path) -> Image.Image:
    """Draw accuracy on held-back boxes by epoch, if it was checked, and the layers that changed most."""
    check = Renormed(artifact_folder(root, "renorm")).read().check
    curves = [] if check is None else [_draw_check(check)]
    return stack([*curves, _draw_norm_changes(root)])


def _draw_check(check: CheckRecord) -> Image.Image:
    named = {
        f"{name} ({boxes} boxes)": (100 * check.curve[:, place]).tolist()
        for place, (name, boxes) in enumerate(zip(CHECKED, check.boxes, strict=True))
    }
    title = f"Boxes named right in the check, {check.way:g} of the way from raw to tuned norm layers"
    return draw_curves(named, check.epoch, title)


def _draw_norm_changes(root: Path) -> Image.Image:
    changes = norm_changes(root)[:LAYERS_DRAWN]
    return draw_bars(
        [f"{change['tower']} {change['name']}" for change in changes],
        [change["relative_change"] for change in changes],
        [f"{change['relative_change']:.2%}" for change in changes],
        "Relative change of norm layers by re-normalization",
    )


def _prepare(folder: Path) -> dict[str, Any]:
    prepared = Prepared(folder)
    split = prepared.split
    return {
        "split": {"name": split.name, "base": len(split.base), "novel": len(split.novel)},
        "quarantined": [finding.as_json() for finding in prepared.quarantine],
    }


def _renorm(folder: Path) -> dict[str, Any]:
    record = Renormed(folder).read()
    return {
        "base_accuracy": [round(float(share), 4) for share in record.base_accuracy],
        **({} if record.check is None else {"check": _check(record.check)}),
        "norm_changes": norm_changes(folder.parent.parent),
    }


def _check(check: CheckRecord) -> dict[str, Any]:
    return {
        "held_back_names": list(check.held_back_names),
        "ways": [round(float(way), 4) for way in check.ways],
        "epoch": check.epoch,
        "way": check.way,
        "kinds": [
            {
                "boxes_of": name,
                "boxes": check.boxes[place],
                "raw": round(check.raw[place], 4),
                "chosen": round(check.chosen[place], 4),
                "standard_error": round(float(check.chosen_error[place]), 4),
                "accuracy": np.round(check.accuracy[:, :, place].astype(float), 4).tolist(),
            }
            for place, name in enumerate(CHECKED)
        ],
    }


def _mine(folder: Path) -> dict[str, Any]:
    mined = Mined(folder)
    return {
        "arrays": _arrays(mined.store),
        "score": mined.score,
        "scores": asdict(score_histogram(mined, BINS)),
        "confidence": asdict(confidence_histogram(mined, BINS)),
        "names": dict(count_names(mined).most_common()),
    }


def _embed(folder: Path) -> dict[str, Any]:
    return {"arrays": _arrays(Embedded(folder).store)}


def _evaluate(folder: Path) -> dict[str, Any]:
    return {"metrics": EvaluationFolder(folder).metrics}


def _arrays(store: ShardedStore) -> dict[str, Any]:
    """Shape, all rows included, and dtype of each array of a store."""
    return {
        name: {"shape": [store.rows, *spec.shape], "dtype": spec.dtype}
        for name, spec in store.layout.arrays.items()
    }
