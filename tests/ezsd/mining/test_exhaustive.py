from dataclasses import replace

import pytest
import torch

from ezsd.boxes import iou_xyxy, max_iou_xyxy
from ezsd.mining.exhaustive import distinct_boxes, mine_exhaustively, photo_anchors, tight_scores

RED, GREEN = (16, 16, 64, 64), (80, 32, 112, 64)
NONE = torch.empty((0, 4))


def as_boxes(*boxes):
    return torch.tensor(boxes, dtype=torch.float32)


def test_the_novel_object_is_found_and_named(colour_classifier, coloured_photo, small_grid):
    classifier = colour_classifier(base=["green", "grey"], others=["red", "blue"])
    found = mine_exhaustively(
        coloured_photo({RED: "red", GREEN: "green"}), as_boxes(GREEN), classifier, small_grid
    )
    assert max_iou_xyxy(as_boxes(RED), found.boxes_xyxy).item() > 0.9
    best = iou_xyxy(as_boxes(RED), found.boxes_xyxy)[0].argmax()
    assert found.labels[best] == 2
    assert found.confidence[best] > 0.9


def test_no_proposal_overlaps_a_base_box_or_has_a_base_name(colour_classifier, coloured_photo, small_grid):
    classifier = colour_classifier(base=["green", "grey"], others=["red", "blue"])
    photo = coloured_photo({RED: "red", GREEN: "green", (80, 66, 112, 96): "blue"})
    found = mine_exhaustively(photo, as_boxes(GREEN), classifier, small_grid)
    assert len(found)
    assert (max_iou_xyxy(found.boxes_xyxy, as_boxes(GREEN)) < 0.3).all()
    assert (found.labels >= 2).all()
    # what overlapped the base box must not be suppressed silently: without it, green may not be found
    assert len(mine_exhaustively(photo, NONE, classifier, small_grid)) >= len(found)


def test_scores_fall_and_lie_between_0_and_ln_c(colour_classifier, coloured_photo, small_grid):
    classifier = colour_classifier(base=["green"], others=["red", "blue", "grey"])
    found = mine_exhaustively(coloured_photo({RED: "red"}), NONE, classifier, small_grid)
    assert (found.scores.diff() <= 0).all()
    assert found.scores.min() >= 0 and found.scores.max() <= torch.tensor(4.0).log() + 1e-6
    assert ((found.confidence > 0) & (found.confidence <= 1)).all()


def test_proposals_are_those_of_a_step_by_step_reference(colour_classifier, coloured_photo, small_grid):
    classifier = colour_classifier(base=["green", "grey"], others=["red", "blue"])
    photo = coloured_photo({RED: "red", GREEN: "green", (0, 60, 60, 96): "blue"})
    found = mine_exhaustively(photo, as_boxes(GREEN), classifier, small_grid)

    anchors = distinct_boxes(photo_anchors(photo, small_grid))
    scores = tight_scores(photo, anchors, classifier)
    kept: list[int] = []
    for row in scores.argsort(descending=True, stable=True).tolist():
        if all(iou_xyxy(anchors[row][None], anchors[other][None]) <= small_grid.nms_iou for other in kept):
            kept.append(row)
    expected = []
    for row in kept[: small_grid.post_nms_top_n]:
        box = anchors[row][None]
        label = (classifier.encoder.encode(photo, box, 1.2) @ classifier.text_embeddings.T).argmax().item()
        if iou_xyxy(box, as_boxes(GREEN)) < 0.3 and label >= 2:
            expected.append((row, label))
    expected = expected[: small_grid.keep]
    assert torch.equal(found.boxes_xyxy, anchors[[row for row, _ in expected]])
    assert found.labels.tolist() == [label for _, label in expected]


def test_base_names_alone_keep_their_proposals(colour_classifier, coloured_photo, small_grid):
    classifier = colour_classifier(base=["green", "grey", "blue"], others=[])
    found = mine_exhaustively(
        coloured_photo({RED: "red", GREEN: "green"}), as_boxes(GREEN), classifier, small_grid
    )
    assert len(found)
    assert (max_iou_xyxy(found.boxes_xyxy, as_boxes(GREEN)) < 0.3).all()


def test_keep_cuts_the_list_and_saves_forwards(colour_classifier, coloured_photo, small_grid):
    photo = coloured_photo({RED: "red", GREEN: "blue"})
    make = lambda: colour_classifier(base=["grey"], others=["red", "blue"])  # noqa: E731
    many = mine_exhaustively(photo, NONE, make(), small_grid)
    few = mine_exhaustively(photo, NONE, make(), replace(small_grid, keep=2))
    assert torch.equal(few.boxes_xyxy, many.boxes_xyxy[:2])
    assert len(few) == 2 and few.forwards < many.forwards


def test_forwards_and_anchors_are_counted(colour_classifier, coloured_photo, small_grid):
    classifier = colour_classifier(base=["grey"], others=["red"])
    found = mine_exhaustively(coloured_photo({RED: "red"}), NONE, classifier, small_grid)
    assert found.anchors == 6 * 8 * 3
    assert found.forwards == classifier.encoder.forwards
    assert found.forwards >= len(distinct_boxes(photo_anchors(coloured_photo({}), small_grid)))


def test_a_photo_that_a_base_box_fills_has_no_proposals(colour_classifier, coloured_photo, small_grid):
    classifier = colour_classifier(base=["grey"], others=["red"])
    config = replace(small_grid, base_iou=0.0)
    found = mine_exhaustively(coloured_photo({}), as_boxes((0, 0, 128, 96)), classifier, config)
    assert len(found) == 0
    assert found.boxes_xyxy.shape == (0, 4) and found.labels.dtype == torch.int64


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 200), (96, 5)])
def test_odd_photos_are_mined_without_complaint(colour_classifier, small_grid, height, width):
    classifier = colour_classifier(base=["grey"], others=["red"])
    photo = torch.full((3, height, width), 9, dtype=torch.uint8)
    found = mine_exhaustively(
        photo, NONE, classifier, replace(small_grid, long_side=width, short_side=height)
    )
    assert found.anchors > 0


def test_random_proposals_are_a_fixed_draw_of_all_that_are_left(
    colour_classifier, coloured_photo, small_grid
):
    photo = coloured_photo({(16, 16, 48, 48): "red", (64, 32, 96, 64): "blue"})
    classifier = colour_classifier([], ["red", "blue", "grey"])
    everything = mine_exhaustively(photo, NONE, classifier, replace(small_grid, keep=1000))
    config = replace(small_grid, keep=len(everything) // 3, take="random")
    found = mine_exhaustively(photo, NONE, classifier, config)
    assert len(found) == config.keep and (found.scores.diff() <= 0).all()
    rows = [everything.boxes_xyxy.tolist().index(box) for box in found.boxes_xyxy.tolist()]
    assert max(rows) > len(everything) // 2  # not the best ones
    assert torch.equal(mine_exhaustively(photo, NONE, classifier, config).boxes_xyxy, found.boxes_xyxy)
