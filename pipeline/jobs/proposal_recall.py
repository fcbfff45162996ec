"""How many of the training photos' objects the stored proposals cover."""

import numpy as np
import torch

from ezsd.cache.artifacts import Mined
from ezsd.evaluation.groups import percent_by_group
from ezsd.evaluation.recall import is_covered
from ezsd.pipeline.data.tables import Boxes
from ezsd.split import Split


def proposal_recall(mined: Mined, boxes: Boxes, split: Split) -> dict[str, float | None]:
    """Share of objects that some stored proposal covers, in percent by group; crowd regions are left out.

    Args:
        mined: the proposals.
        boxes: all boxes of the training photos, labels index `split.names`; those of photos without a row
            in the store (quarantined ones) do not count.
    """
    objects = boxes.take(~boxes.crowd)
    objects = objects.take(np.argsort(objects.image_ids, kind="stable"))
    covered, labels = [np.zeros(0, bool)], [np.zeros(0, np.int32)]
    for image_id, proposals_xyxy in mined.boxes_by_photo():
        start, stop = np.searchsorted(objects.image_ids, [image_id, image_id + 1])
        here_xyxy = torch.from_numpy(objects.boxes_xyxy[start:stop])
        covered.append(is_covered(here_xyxy, torch.from_numpy(proposals_xyxy)).numpy())
        labels.append(objects.labels[start:stop])
    return percent_by_group(np.concatenate(covered), np.concatenate(labels), split)
