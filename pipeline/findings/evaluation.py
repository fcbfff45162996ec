"""Findings in the detections on the validation photos."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ezsd.pipeline.findings.finding import Finding

WITHOUT = 0.5
"""Fraction of the photos; most photos of a usual data set show an object."""

_FIX = "lower evaluate.score_threshold, or look at the losses of the training"


def detection_findings(
    detections: Sequence[Mapping[str, Any]], photos: int, novel: Collection[int]
) -> Iterator[Finding]:
    """Yield what looks wrong with the detections.

    Args:
        detections: COCO results of all photos.
        photos: how many photos were searched.
        novel: category ids of the novel names.
    """
    if not detections:
        yield Finding("no-detections", "detections", 0, 1, _FIX)
        return
    without = 1 - len({one["image_id"] for one in detections}) / photos
    if without > WITHOUT:
        yield Finding(
            "photos-without-detections", "fraction of photos without detections", without, WITHOUT, _FIX
        )
    if novel and not any(one["category_id"] in novel for one in detections):
        yield Finding("no-novel-detections", "detections of novel names", 0, 1, _FIX)
