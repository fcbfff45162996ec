"""Photos shown smaller, or a part of them larger: what is in the part, and what belongs to it."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, tensor

from ezsd.training.config import ExampleConfig, JitterConfig, StepConfig
from ezsd.training.engine import train_steps
from ezsd.training.schedule import Schedule, make_optimizer
from ezsd.training.targets import VISIBLE, CachedTargets, Window, crop_targets, draw_example, draw_window

WIDTH, HEIGHT = 20, 12


def jitter(smallest: float, largest: float) -> JitterConfig:
    return JitterConfig(smallest=smallest, largest=largest)


def drawn(proposals: int, short_sides: tuple[int, ...], scale: JitterConfig) -> ExampleConfig:
    return ExampleConfig(proposals_per_image=proposals, short_sides=short_sides, jitter=scale)


def numbered(boxes_xyxy: Tensor, masks: Tensor | None = None) -> CachedTargets:
    """Targets of which label, embeddings and confidence of row i all tell i."""
    numbers = torch.arange(len(boxes_xyxy))
    embeddings = numbers[:, None].float().repeat(1, 3)
    return CachedTargets(
        boxes_xyxy, numbers, boxes_xyxy, embeddings, boxes_xyxy, embeddings, numbers.float(), masks
    )


def seen_rows(cropped: CachedTargets) -> list[int]:
    """Which rows are left; all that belongs to them must agree."""
    rows = cropped.labels.tolist()
    for embeddings in (cropped.object_embeddings, cropped.proposal_embeddings):
        assert embeddings.tolist() == [[row] * 3 for row in rows]
    assert cropped.proposal_confidences.tolist() == rows
    for boxes_xyxy in (cropped.object_boxes_xyxy, cropped.proposal_boxes_xyxy):
        assert torch.equal(boxes_xyxy, cropped.boxes_xyxy)
    return rows


def fill(boxes_xyxy: Tensor) -> Tensor:
    """Masks (N, HEIGHT, WIDTH) of boxes with whole corners."""
    masks = torch.zeros(len(boxes_xyxy), HEIGHT, WIDTH, dtype=torch.uint8)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes_xyxy.int().tolist(), strict=True):
        mask[y0:y1, x0:x1] = 1
    return masks


def test_boxes_are_clipped_into_the_frame_of_the_crop_or_go_with_all_that_is_theirs() -> None:
    boxes = tensor(
        [
            [6.0, 4.0, 9.0, 8.0],  # all inside
            [0.0, 4.0, 10.0, 8.0],  # 5 of its 10 columns
            [1.0, 4.0, 6.0, 8.0],  # a fifth of it
            [12.0, 1.0, 16.0, 9.0],  # 3 of 4 columns and 6 of 8 rows
            [0.0, 0.0, 5.0, 12.0],  # beside it
        ]
    )
    cropped = crop_targets(numbered(boxes), Window(5, 3, 15, 12))
    assert seen_rows(cropped) == [0, 1, 3]
    assert cropped.boxes_xyxy.tolist() == [[1, 1, 4, 5], [0, 1, 5, 5], [7, 0, 10, 6]]


def sides(limit: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.lists(st.integers(0, limit), min_size=2, max_size=2, unique=True).map(sorted).map(tuple)


rectangles = st.tuples(sides(WIDTH), sides(HEIGHT)).map(lambda xy: (xy[0][0], xy[1][0], xy[0][1], xy[1][1]))


@given(st.lists(rectangles, max_size=6), rectangles)
def test_a_crop_of_boxes_is_the_crop_of_their_pixels(boxes: list[tuple[int, ...]], window: Any) -> None:
    boxes_xyxy = tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    masks = fill(boxes_xyxy)
    left, top, right, bottom = window
    shown = masks[:, top:bottom, left:right]
    kept = [row for row in range(len(boxes)) if shown[row].any() and share(shown, masks, row) >= VISIBLE]
    cropped = crop_targets(numbered(boxes_xyxy, masks), Window(*window))
    assert seen_rows(cropped) == kept
    assert cropped.masks is not None
    assert torch.equal(cropped.masks, shown[kept])
    for (x0, y0, x1, y1), mask in zip(cropped.boxes_xyxy.int().tolist(), cropped.masks, strict=True):
        assert mask.sum() == mask[y0:y1, x0:x1].sum() == (x1 - x0) * (y1 - y0)


def share(shown: Tensor, masks: Tensor, row: int) -> float:
    return int(shown[row].sum()) / int(masks[row].sum())


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 4), st.floats(0, 4), st.integers(0, 2**31))
def test_the_factor_is_the_window_s_or_the_short_side_s(
    height: int, width: int, smallest: float, more: float, seed: int
) -> None:
    scale = jitter(smallest, smallest + more)
    window, shrink = draw_window(scale, (height, width), torch.Generator().manual_seed(seed))
    assert 0 <= window.left < window.right <= width
    assert 0 <= window.top < window.bottom <= height
    if shrink < 1:
        assert window == (0, 0, width, height)
        assert shrink >= smallest
    largest = max(1.0, smallest + more)
    assert window.bottom - window.top >= int(height / largest)
    assert window.right - window.left >= int(width / largest)


def test_a_factor_of_two_shows_a_quarter_of_the_photo_and_a_half_shows_it_at_half_the_size() -> None:
    generator = torch.Generator().manual_seed(0)
    window, shrink = draw_window(jitter(2.0, 2.0), (HEIGHT, WIDTH), generator)
    assert (window.bottom - window.top, window.right - window.left, shrink) == (6, 10, 1.0)
    assert draw_window(jitter(0.5, 0.5), (HEIGHT, WIDTH), generator) == (
        (0, 0, WIDTH, HEIGHT),
        0.5,
    )


def test_photo_boxes_masks_and_embeddings_follow_crop_and_flip_together() -> None:
    boxes = tensor([[0.0, 0.0, 6.0, 5.0], [7.0, 2.0, 13.0, 11.0], [12.0, 3.0, 20.0, 9.0]])
    masks = fill(boxes)
    photo = masks * tensor([60, 90, 100], dtype=torch.uint8)[:, None, None]  # a channel for each box
    settings = ExampleConfig(proposals_per_image=3, short_sides=(10,), jitter=jitter(0.5, 3.0))
    examples = [draw_example(photo, numbered(boxes, masks), settings, seed) for seed in range(60)]
    for shown, target in examples:
        rows = target["labels"].tolist()
        assert torch.equal((shown[rows] > 0).byte(), target["masks"])
        for row, (x0, y0, x1, y1) in zip(rows, target["boxes"].int().tolist(), strict=True):
            assert (shown[row] > 0).sum() == (shown[row, y0:y1, x0:x1] > 0).sum() == (x1 - x0) * (y1 - y0)
        objects = target["distill_embeddings"][: len(rows), 0].int().tolist()
        proposals = target["distill_embeddings"][len(rows) :, 0].int().tolist()
        assert objects == rows == sorted(proposals)
        assert target["distill_weights"].tolist() == [1.0] * len(rows) + proposals
        assert torch.equal(target["distill_boxes"][len(rows) :], target["boxes"][order_of(proposals, rows)])
    assert {5, 10} <= {int(target["short_side"]) for _, target in examples}
    assert {tuple(target["labels"].tolist()) for _, target in examples} >= {(0, 1, 2), ()}


def order_of(wanted: list[int], rows: list[int]) -> list[int]:
    return [rows.index(row) for row in wanted]


def test_a_photo_whose_boxes_are_all_cropped_away_still_trains(tiny: Any) -> None:
    boxes = tensor([[0.0, 0.0, 4.0, 4.0]])
    embeddings = torch.ones(1, tiny.dim)
    labels, confidences = torch.zeros(1, dtype=torch.int64), torch.ones(1)
    cached = CachedTargets(boxes, labels, boxes, embeddings, boxes, embeddings, confidences)
    settings = ExampleConfig(proposals_per_image=1, short_sides=(tiny.side,), jitter=jitter(8.0, 8.0))
    batch = [draw_example(tiny.photo(), cached, settings, seed) for seed in (0, 1)]
    assert all(len(target["boxes"]) == len(target["distill_boxes"]) == 0 for _, target in batch)
    detector = tiny.detector()
    steps = train_steps(
        detector,
        make_optimizer(detector, StepConfig(weight_decay=0.0)),
        [batch],
        Schedule(1, 0.01, 0, ()),
        StepConfig(),
        0,
    )
    (report,) = steps
    assert report.losses["distillation"] == report.losses["box"] == 0
    assert report.losses["classification"] > 0


@pytest.mark.parametrize("seed", [0, 7])
def test_the_same_seed_shows_the_same(tiny: Any, seed: int) -> None:
    settings = ExampleConfig(proposals_per_image=2, short_sides=(tiny.side,), jitter=jitter(0.5, 2.0))
    draws = [draw_example(tiny.photo(), numbered(tiny.boxes(3)), settings, seed) for _ in range(2)]
    assert torch.equal(draws[0][0], draws[1][0])
    assert all(torch.equal(draws[0][1][key], draws[1][1][key]) for key in draws[0][1])
