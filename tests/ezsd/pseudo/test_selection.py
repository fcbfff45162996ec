import torch

from ezsd.pseudo.config import PseudoConfig
from ezsd.pseudo.selection import Candidates, select_pseudo_boxes, vote

NOTHING = torch.empty((0, 4))


def candidates(*rows: tuple[list[float], int, float]) -> Candidates:
    boxes, labels, probability = zip(*rows, strict=True)
    return Candidates(
        torch.tensor(boxes, dtype=torch.float32), torch.tensor(labels), torch.tensor(probability)
    )


def test_unlikely_boxes_boxes_on_base_objects_and_overlapping_ones_are_dropped() -> None:
    found = select_pseudo_boxes(
        candidates(
            ([0, 0, 10, 10], 1, 0.6),
            ([0, 0, 10, 8], 2, 0.9),  # IoU 0.8 with the first
            ([50, 0, 60, 10], 1, 0.4),  # too unlikely
            ([20, 0, 30, 10], 1, 0.95),  # on a base object
            ([80, 0, 90, 10], 1, 0.7),
        ),
        torch.tensor([[20.0, 0, 30, 9]]),
        0.3,
        PseudoConfig(precision=0.5),
    )
    assert found.labels.tolist() == [2, 1]
    assert found.boxes_xyxy.tolist() == [[0, 0, 10, 8], [80, 0, 90, 10]]
    assert torch.allclose(found.probability, torch.tensor([0.9, 0.7]))


def test_at_most_so_many_boxes_are_kept_likeliest_first() -> None:
    rows = [([20.0 * place, 0, 20 * place + 10, 10], 0, 0.5 + place / 10) for place in range(4)]
    found = select_pseudo_boxes(candidates(*rows), NOTHING, 0.3, PseudoConfig(precision=0.1, keep=2))
    assert found.boxes_xyxy[:, 0].tolist() == [60, 40]


def test_a_box_becomes_the_weighted_mean_of_its_name() -> None:
    every = candidates(([0, 0, 10, 10], 1, 0.75), ([4, 0, 14, 10], 1, 0.25), ([0, 0, 10, 9], 2, 0.9))
    # 0.75 * (0, 0, 10, 10) + 0.25 * (4, 0, 14, 10); IoU 6 / 14
    assert vote(every.take(torch.tensor([0])), every, 0.4).tolist() == [[1, 0, 11, 10]]
    assert vote(every.take(torch.tensor([0])), every, 0.5).tolist() == [[0, 0, 10, 10]]


def test_a_photo_without_candidates_has_no_pseudo_box() -> None:
    nothing = Candidates(NOTHING, torch.empty(0, dtype=torch.int64), torch.empty(0))
    assert len(select_pseudo_boxes(nothing, torch.tensor([[0.0, 0, 5, 5]]), 0.3, PseudoConfig())) == 0
