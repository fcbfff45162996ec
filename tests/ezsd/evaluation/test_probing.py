import pytest
import torch

from ezsd.evaluation.config import ProbingConfig
from ezsd.evaluation.probing import best_of_each_name, probe_novel_names

TEXT = torch.eye(4)[:3]  # one base name, two novel ones


def unit(*values: float) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(values), dim=0)


def test_the_highest_ranks_of_each_name_by_hand() -> None:
    labels = torch.tensor([2, 0, 2, 2, 0, 1])
    ranks = torch.tensor([0.1, 0.5, 0.9, 0.9, 0.7, 0.0])
    assert best_of_each_name(labels, ranks, 2).tolist() == [4, 1, 5, 2, 3]
    assert best_of_each_name(labels, ranks, 1).tolist() == [4, 5, 2]
    assert best_of_each_name(labels[:0], ranks[:0], 2).tolist() == []


def test_a_novel_name_turns_to_its_boxes_and_the_others_keep_their_text() -> None:
    box = unit(0.0, 0.6, 0.0, 0.8)
    weights = probe_novel_names(TEXT, 1, box[None], torch.tensor([1]), 10.0, ProbingConfig(pull=0.01))
    assert torch.equal(weights[[0, 2]], TEXT[[0, 2]])
    assert weights.norm(dim=1).tolist() == pytest.approx([1, 1, 1])
    assert weights[1] @ box > TEXT[1] @ box + 0.1


def test_the_first_step_by_hand() -> None:
    # Adam's first step is the learning rate in the direction against the gradient, here to the box alone:
    # along the text itself the gradient of a direction is zero
    box = unit(0.0, 0.6, 0.0, 0.8)
    weights = probe_novel_names(TEXT, 1, box[None], torch.tensor([1]), 10.0, ProbingConfig(), steps=1)
    assert weights[1].tolist() == pytest.approx(unit(0.0, 1.0, 0.0, 0.01).tolist(), abs=1e-4)


@pytest.mark.parametrize("labels", [[], [0, 0]])
def test_without_a_box_of_a_novel_name_all_stays_text(labels: list[int]) -> None:
    boxes = torch.eye(4)[: len(labels)]
    found = probe_novel_names(TEXT, 1, boxes, torch.tensor(labels, dtype=torch.int64), 10.0, ProbingConfig())
    assert torch.equal(found, TEXT)


def test_a_strong_pull_leaves_the_text() -> None:
    box = unit(0.0, 0.6, 0.0, 0.8)
    weights = probe_novel_names(TEXT, 1, box[None], torch.tensor([1]), 10.0, ProbingConfig(pull=1e6))
    assert weights[1] @ TEXT[1] > 0.999
