"""Which mistakes and misses are shown, worked out by hand."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from ezsd.pipeline.data.sources import PhotoFolder
from ezsd.split import Split
from ezsd.stages.pages.report.mistakes import MISSES, OF_EACH_KIND, error_pictures

SPLIT = Split("toy", ("cat", "dog"), ("yak",))
CAT, DOG, YAK = 3, 5, 7
BOX, FAR, TINY = [0, 0, 40, 40], [100, 100, 40, 40], [150, 0, 10, 10]


def truth(*boxes):
    return {
        "images": [
            {"id": n, "file_name": f"{n}.png", "width": 200, "height": 200 * n, "neg_category_ids": None}
            for n in (1, 2)
        ],
        "categories": [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}, {"id": YAK, "name": "yak"}],
        "annotations": [
            {"id": n, "image_id": photo, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
            for n, (photo, c, b) in enumerate(boxes, start=1)
        ],
    }


def detected(*boxes):
    return [{"image_id": photo, "category_id": c, "bbox": b, "score": score} for photo, c, b, score in boxes]


@pytest.fixture
def shown(tmp_path: Path):
    for n in (1, 2):
        Image.new("RGB", (200, 200 * n), "grey").save(tmp_path / f"{n}.png")

    def show(ground_truth, detections):
        evaluated = SimpleNamespace(ground_truth=ground_truth, detections=detections)
        return error_pictures(evaluated, SPLIT, PhotoFolder(tmp_path), {"yak": "proposals.html#name=yak"})

    return show


def test_the_surest_of_each_kind_and_of_each_group(shown):
    ground_truth = truth((1, CAT, BOX), (2, CAT, BOX), (2, DOG, FAR), *[(1, YAK, TINY)] * 5)
    detections = detected(
        (1, YAK, BOX, 0.9),  # a cat
        (2, YAK, FAR, 0.95),  # a dog
        (1, CAT, BOX, 0.8),
        (2, CAT, FAR, 0.7),  # a dog
        *[(1, YAK, [60 + n, 60, 9, 9], 0.1 + n / 100) for n in range(4)],
    )
    groups = shown(ground_truth, detections)
    assert [(one.kind, one.name, one.score, one.truth) for one in groups["base"].mistakes] == [
        ("wrong class", "cat", 0.7, ["dog"])
    ]
    assert [(one.kind, one.image_id, one.score, one.truth) for one in groups["novel"].mistakes] == [
        ("wrong class", 2, 0.95, ["dog"]),
        ("wrong class", 1, 0.9, ["cat"]),
        ("background", 1, pytest.approx(0.13), []),
        ("background", 1, pytest.approx(0.12), []),
        ("background", 1, pytest.approx(0.11), []),
    ]
    assert len(groups["novel"].mistakes) == 2 + OF_EACH_KIND
    assert groups["novel"].mistakes[0].picture.link == "proposals.html#name=yak"
    assert groups["base"].mistakes[0].picture.link is None


def test_the_largest_misses_come_first_and_say_whether_a_box_was_there(shown):
    ground_truth = truth(
        (1, YAK, TINY), (2, YAK, [0, 0, 50, 50]), (1, YAK, FAR), (1, CAT, FAR), *[(1, DOG, TINY)] * 20
    )
    detections = detected(
        *[(2, YAK, [90, 90 + n, 60, 60], 0.9) for n in range(3)],  # these count, and are on background
        (1, YAK, FAR, 0.4),
        (1, YAK, [100, 100, 40, 36], 0.5),
        (1, CAT, [60, 0, 10, 10], 0.3),
    )
    groups = shown(ground_truth, detections)
    # 1,600 of 40,000 pixels are a larger share than 2,500 of 80,000
    assert [(one.name, one.image_id, one.score) for one in groups["novel"].misses] == [
        ("yak", 1, 0.5),
        ("yak", 2, None),
        ("yak", 1, None),
    ]
    assert [one.name for one in groups["base"].misses] == ["cat", *["dog"] * (MISSES - 1)]
    assert all(one.kind == "missed" and one.picture.source for one in groups["base"].misses)


def test_nothing_is_shown_of_nothing(shown):
    assert all(not group.mistakes and not group.misses for group in shown(truth(), []).values())
