"""Everything that `evaluate` and `report` read, made by hand around the tiny data set of coloured things.

The detector sees colours: it finds the box around all pixels of a name's colour. The teachers are no better:
the raw one calls everything a cat, the re-normalized one names a box by the colour of its middle.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from ezsd.cache.artifacts import Mined, Renormed
from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.layout import ArraySpec
from ezsd.cache.renorm_file import NormLayerRecord, RenormRecord, write_renorm
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.writing import begin, publish
from ezsd.detector.config import Selection
from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.ensemble import ScoreEnsemble, teacher_weights
from ezsd.pipeline.jobs.evaluate import RAW, RENORMALIZED, Models
from ezsd.pipeline.models.detector import CARD
from ezsd.pipeline.params import Params, plain_values
from ezsd.pipeline.runner import artifact_folder
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split
from ezsd.stages import evaluate, prepare, report

NAMES = ("cat", "dog", "cow")
SPLIT = Split("own", NAMES[:2], NAMES[2:])
CHANNELS = torch.tensor([0, 1, 2])  # red cats, green dogs, blue cows
DIM, KEEP = 4, 3
# image id -> its proposals: box, score, label, confidence
PROPOSALS = {
    7: [((0, 0, 48, 32), 1.0, 2, 0.9)],
    10: [((2, 28, 22, 44), 0.9, 2, 0.8), ((30, 0, 50, 20), 0.5, 2, 0.4)],
    30: [],
    31: [((66, 46, 76, 56), 0.3, 2, 0.5)],
    120: [((8, 8, 48, 38), 1.05, 2, 1.0)],
}


def channel_masks(photo: torch.Tensor) -> torch.Tensor:
    """(3, H, W) bool: where a photo is purely red, green or blue."""
    others = [photo[[other for other in range(3) if other != channel]].amax(0) for channel in range(3)]
    return torch.stack([(photo[channel] > 90) & (others[channel] < 50) for channel in range(3)])


class ColourDetector(nn.Module):
    """Finds one box a colour, and with masks says that it is full; the `blind` one finds nothing."""

    def __init__(self, blind: bool = False, masks: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.blind = blind
        self.masks = masks

    @property
    def roi_heads(self) -> "ColourDetector":
        return self

    def select(self, selection: Selection) -> None:
        self.limit = selection.detections_per_image

    def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        return [self._look(image) for image in images]

    def name(self, photo: torch.Tensor, boxes_xyxy: torch.Tensor) -> torch.Tensor:
        return torch.full((len(boxes_xyxy),), 2)  # everything is a cow

    def _look(self, photo: torch.Tensor) -> dict[str, torch.Tensor]:
        boxes, labels = [torch.empty(0, 4)], []
        for label, mask in enumerate(channel_masks(photo)):
            if mask.sum() > 40 and not self.blind:
                y, x = mask.nonzero().T
                boxes.append(torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1])[None].float())
                labels.append(label)
        scores = torch.tensor([0.9, 0.8, 0.7])[: len(labels)]
        grids = {"mask_probabilities": torch.ones(len(labels), 28, 28)} if self.masks else {}
        return {
            **grids,
            "boxes": torch.cat(boxes),
            "labels": torch.tensor(labels, dtype=torch.int64),
            "scores": scores,
        }


class CatLover:
    """Calls everything a cat."""

    def name(self, photo: torch.Tensor, boxes_xyxy: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(boxes_xyxy), dtype=torch.int64)


class ColourNamer:
    """Names a box by the strongest channel in its middle, and is sure of it."""

    def probabilities(self, photo: torch.Tensor, boxes_xyxy: torch.Tensor) -> torch.Tensor:
        return torch.eye(3)[self.name(photo, boxes_xyxy)]

    def name(self, photo: torch.Tensor, boxes_xyxy: torch.Tensor) -> torch.Tensor:
        middles = ((boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2).long()
        return torch.tensor([int(photo[:, y, x].argmax()) for x, y in middles.tolist()], dtype=torch.int64)


class ColourModels:
    """What `models_on_disk` gives in these tests."""

    def __init__(
        self, blind: bool = False, masks: bool = False, weights: EnsembleConfig | None = None
    ) -> None:
        self.blind = blind
        self.masks = masks
        self.weights = weights and teacher_weights(weights, NAMES, SPLIT.base)

    def load(self) -> Models:
        namer = ColourNamer()
        teachers = {RAW: CatLover(), RENORMALIZED: namer}
        ensemble = None if self.weights is None else ScoreEnsemble(namer, self.weights)
        return Models(ColourDetector(self.blind, self.masks), Selection(), teachers, ensemble)


def context_of(params: Params, root: Path, stage: str) -> StageContext:
    """A context whose folder is begun, as the runner leaves it."""
    folder = artifact_folder(root, stage)
    folder.mkdir(parents=True, exist_ok=True)
    begin(folder, stage, {"made": "by hand"})
    return StageContext(params, root, folder)


def run_stage_by_hand(module: object, params: Params, root: Path) -> Path:
    """Runs `prepare`, `evaluate` or `report` and publishes its folder."""
    context = context_of(params, root, module.__name__.split(".")[-1])
    result = module.run(context)
    publish(context.folder, result.counts, result.facts)
    return context.folder


def make_parents(params: Params, root: Path) -> None:
    """The artifacts before `evaluate`."""
    run_stage_by_hand(prepare, params, root)
    for stage, write in {"renorm": _write_renorm, "mine": _write_proposals, "train": _write_history}.items():
        context = context_of(params, root, stage)
        write(context.folder)
        if stage == "train":
            masks = params.train.detector.mask_head
            card = {"config": {"mask_head": masks and plain_values(masks)}, "protocol": "names known"}
            write_json_atomic(context.folder / CARD, card)
        publish(context.folder, {"photos": len(PROPOSALS), "proposals": 5}, {})
    for stage in ("embed", "pseudo"):
        publish(context_of(params, root, stage).folder, {}, {})


def evaluate_by_hand(params: Params, root: Path, monkeypatch, blind: bool = False) -> Path:
    """Runs `evaluate` with the models that see colours."""
    masks = params.train.detector.mask_head is not None
    models = ColourModels(blind, masks=masks, weights=params.evaluate.ensemble)
    monkeypatch.setattr(evaluate, "models_on_disk", lambda context, split: models)
    return run_stage_by_hand(evaluate, params, root)


def report_by_hand(params: Params, root: Path) -> Path:
    """Runs `report`."""
    return run_stage_by_hand(report, params, root)


def _write_proposals(folder: Path) -> None:
    arrays = {
        "image_ids": ArraySpec((), "int64"),
        "count": ArraySpec((), "int32"),
        "boxes_xyxy": ArraySpec((KEEP, 4), "float32"),
        "scores": ArraySpec((KEEP,), "float32"),
        "labels": ArraySpec((KEEP,), "int32", fill=-1),
        "confidence": ArraySpec((KEEP,), "float32"),
    }
    attributes = {"names": NAMES, "base_count": 2, "protocol": "names known", "score": "ln C - entropy"}
    store = ShardedStore.create(Mined(folder).location, arrays, len(PROPOSALS), 2, attributes)
    ids = list(PROPOSALS)
    for shard in range(store.shards):
        rows = {
            name: np.full((len(store.shard_range(shard)), *spec.shape), spec.fill, spec.dtype)
            for name, spec in arrays.items()
        }
        for place, row in enumerate(store.shard_range(shard)):
            found = PROPOSALS[ids[row]]
            rows["image_ids"][place], rows["count"][place] = ids[row], len(found)
            for rank, values in enumerate(found):
                for name, value in zip(("boxes_xyxy", "scores", "labels", "confidence"), values, strict=True):
                    rows[name][place, rank] = value
        store.write_shard(shard, rows)
    store.finish()


def _write_renorm(folder: Path) -> None:
    def layer(name: str, moved: float) -> NormLayerRecord:
        ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
        return NormLayerRecord(
            name, "image", ones, zeros, ones + np.float32(moved), zeros, zeros, ones, zeros, ones
        )

    square, row = np.eye(DIM, dtype=np.float32), np.zeros(DIM, np.float32)
    text = np.eye(len(NAMES), DIM, dtype=np.float32)
    layers = (layer("ln_pre", 0.01), layer("ln_post", 0.25), layer("ln_still", 0.0))
    accuracy = np.array([0.25, 0.5], np.float32)
    record = RenormRecord(
        layers, row, row, square, square, NAMES, text, text, accuracy, {"model": "tiny"}, "names known"
    )
    write_renorm(Renormed(folder).record, record)


def _write_history(folder: Path) -> None:
    rows = ["step,learning_rate,total,box", "10,0.01,3.5,0.5", "20,0.01,2.25,0.25"]
    (folder / "history.csv").write_text("\n".join(rows) + "\n")
