"""`ezsd-cli predict`: detect any names in any photos with the trained detector."""

import io
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ezsd.api.detector import Detector
from ezsd.api.results import Detections
from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.cache.manifest import require_complete
from ezsd.detector.config import Selection
from ezsd.evaluation.coco_form import drawn_masks, with_masks
from ezsd.masks import paste_masks
from ezsd.photos import read_photo
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.models.vocabulary import embed_vocabulary
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder
from ezsd.stages.pages.drawing import caption, draw_objects, tint_masks

RESULT = "predictions.json"
MOST_LETTERS = 100
"""Of a photo's name that its drawing's name keeps."""

Prediction = dict[str, Any]


def predict(
    photos: Sequence[Path],
    names: Sequence[str] | None,
    params: Params,
    root: Path,
    out: Path,
    selection: Selection,
) -> list[Prediction]:
    """Detect names in photos; write `predictions.json` and a drawing of each photo into `out`.

    Args:
        photos: image files of any size.
        names: to detect, with or without boxes in training; None for the names of the split.
        params: of the run; new names load the teacher's text tower.
        root: folder of `params.yaml`.
        out: folder for the results.
        selection: which detections to keep.

    Returns:
        For each photo `{photo, detections: [{name, score, box_xyxy, trained}]}`, best first; boxes in pixels
        of the photo, score in 0..1, `trained`: whether the name had boxes in training. A detector with a mask
        head adds `segmentation`, COCO's run lengths.

    Raises:
        ArtifactError: the detector is missing or damaged; for new names, so is the re-normalization, or it is
            of another run.
        InputError: a photo cannot be read, or a name is empty or repeated.
    """
    folder = artifact_folder(root, "train")
    require_complete(folder, "run `ezsd-cli train`")
    trained = read_detector(folder)
    embed = partial(embed_vocabulary, trained=trained, params=params, root=root)
    detector = Detector(trained, embed, choose_device(params.run))
    pixels = [read_photo(path) for path in photos]
    found = detector.predict(pixels, names, selection=selection)
    predictions = [
        _as_prediction(path, detections, detector.trained_names)
        for path, detections in zip(photos, found, strict=True)
    ]
    for photo, prediction, name in zip(pixels, predictions, drawing_names(photos), strict=True):
        write_bytes_atomic(out / name, _draw(photo, prediction))
    write_json_atomic(out / RESULT, predictions)
    return predictions


def drawing_names(photos: Sequence[Path]) -> list[str]:
    """A different file name for each photo's drawing; photos with equal names get numbers."""
    stems = [path.stem[:MOST_LETTERS] for path in photos]
    times = Counter(stem.casefold() for stem in stems)  # some file systems ignore case
    taken = {stem for stem in times if times[stem] == 1}
    chosen = []
    for stem in stems:
        numbered = (f"{stem}-{number}" for number in count(1))
        alone = times[stem.casefold()] == 1
        chosen.append(stem if alone else next(name for name in numbered if name.casefold() not in taken))
        taken.add(chosen[-1].casefold())
    return [f"{name}.png" for name in chosen]


def _as_prediction(path: Path, found: Detections, trained_names: Sequence[str]) -> Prediction:
    records: list[dict[str, Any]] = [
        {
            "name": found.names[label],
            "score": round(score, 6),
            "box_xyxy": [round(side, 2) for side in box_xyxy],
            "trained": found.names[label] in trained_names,
        }
        for label, score, box_xyxy in zip(
            found.labels.tolist(), found.scores.tolist(), found.boxes_xyxy.tolist(), strict=True
        )
    ]
    if found.mask_probabilities is not None:
        masks = paste_masks(found.mask_probabilities, found.boxes_xyxy, found.original_size)
        records = with_masks(records, masks)
    return {"photo": str(path), "detections": records}


def _draw(photo: Tensor, prediction: Prediction) -> bytes:
    found = prediction["detections"]
    boxes_xyxy = torch.tensor([one["box_xyxy"] for one in found]).reshape(-1, 4)
    captions = [caption(one["name"], one["score"]) for one in found]
    novel = [not one["trained"] for one in found]
    masks = drawn_masks(found, (photo.shape[1], photo.shape[2]))
    drawing = draw_objects(tint_masks(photo, masks, novel), boxes_xyxy, captions, novel)
    png = io.BytesIO()
    drawing.save(png, format="PNG")
    return png.getvalue()
