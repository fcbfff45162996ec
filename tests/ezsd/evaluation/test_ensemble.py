"""The detector's scores joined with the teacher's, counted by hand."""

import pytest
import torch

from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.ensemble import ScoreEnsemble, geometric_mean, teacher_weights
from ezsd.split import Split

SPLIT = Split("toy", ("cat", "dog"), ("yak",))
PHOTO = torch.zeros(3, 8, 8, dtype=torch.uint8)


class Teacher:
    """Says 0.64 for the first name of a box and 0.16 for the others; remembers the boxes that it saw."""

    def probabilities(self, photo, boxes_xyxy):
        self.saw = boxes_xyxy
        return torch.tensor([[0.64, 0.16, 0.16]]).repeat(len(boxes_xyxy), 1)


def weights(base, novel):
    return teacher_weights(EnsembleConfig(base=base, novel=novel), SPLIT.names, SPLIT.base)


def test_the_mean_is_geometric():
    # sqrt(0.25 * 0.64) = 0.4, and 0.125 ** (2/3) * 0.001 ** (1/3) = 0.25 * 0.1
    means = geometric_mean(
        torch.tensor([0.25, 0.125]), torch.tensor([0.64, 0.001]), torch.tensor([0.5, 1 / 3])
    )
    assert means.tolist() == pytest.approx([0.4, 0.025])


def test_an_end_of_the_weights_leaves_one_side_alone():
    detector, teacher = torch.tensor([0.3, 0.0]), torch.tensor([0.0, 0.7])
    assert torch.equal(geometric_mean(detector, teacher, torch.zeros(2)), detector)
    assert torch.equal(geometric_mean(detector, teacher, torch.ones(2)), teacher)


def test_base_and_novel_names_weigh_the_teacher_differently():
    ensemble = ScoreEnsemble(Teacher(), weights(base=0.5, novel=1.0))
    box = torch.tensor([[0.0, 0, 4, 4]])
    scores = ensemble.rescore(PHOTO, box.repeat(3, 1), torch.tensor([0.25, 0.25, 0.25]), torch.arange(3))
    # sqrt(0.25 * 0.64), sqrt(0.25 * 0.16), and the teacher alone
    assert scores.tolist() == pytest.approx([0.4, 0.2, 0.16])


def test_a_box_of_several_names_is_looked_at_once():
    teacher = Teacher()
    ensemble = ScoreEnsemble(teacher, weights(base=1.0, novel=1.0))
    boxes = torch.tensor([[4.0, 4, 8, 8], [0.0, 0, 4, 4], [4.0, 4, 8, 8]])
    ensemble.rescore(PHOTO, boxes, torch.ones(3), torch.tensor([0, 1, 2]))
    assert len(teacher.saw) == 2


def test_no_detection_has_no_score():
    ensemble = ScoreEnsemble(Teacher(), weights(base=0.5, novel=0.5))
    nothing = torch.empty(0)
    assert ensemble.rescore(PHOTO, torch.empty(0, 4), nothing, nothing.long()).shape == (0,)
