"""The teacher scores what the detector found."""

from collections.abc import Sequence

import pytest
import torch

from ezsd import Detections, EnsembleConfig
from ezsd.api.ensemble import make_ensemble, rescore
from ezsd.pipeline.models.vocabulary import NamingTeacher
from ezsd.stages.pages.predictions import Wanted

PHOTO = torch.zeros(3, 8, 8, dtype=torch.uint8)
BOXES = torch.tensor([[0.0, 0, 4, 4], [0.0, 0, 8, 8]])
KNOWN = {"cat": torch.tensor([1.0, 0.0]), "dog": torch.tensor([0.0, 1.0])}


class Colourless:
    """A teacher to whom every crop is as near to the one axis as to the other, with a logit scale of 1."""

    logit_scale, dim, image_size, device = 1.0, 2, 8, torch.device("cpu")

    def pixels(self, crops: torch.Tensor) -> torch.Tensor:
        return crops

    def encode_images(self, crops: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(torch.ones(len(crops), 2), dim=1)


def found(names: Sequence[str], scores: Sequence[float], labels: Sequence[int]) -> Detections:
    boxes = BOXES[: len(scores)]
    return Detections(boxes, torch.tensor(scores), torch.tensor(labels), None, tuple(names), (8, 8))


def joint(found: Detections, text: torch.Tensor, base: Sequence[str], config: EnsembleConfig) -> Detections:
    naming = NamingTeacher(Colourless())
    return rescore(found, PHOTO, make_ensemble(naming, found.names, text, KNOWN, base, config))


def test_boxes_are_sorted_by_the_joint_score_of_base_and_novel_names() -> None:
    config = EnsembleConfig(base=0.5, novel=1.0)
    one = joint(found(["cat", "dog"], [0.5, 0.02], [0, 1]), torch.stack([*KNOWN.values()]), ["dog"], config)
    # the teacher gives each of two names a half; cat is novel: 0.5, dog is base: sqrt(0.02 * 0.5) = 0.1
    assert one.scores.tolist() == pytest.approx([0.5, 0.1]) and one.labels.tolist() == [0, 1]
    one = joint(found(["cat", "dog"], [0.5, 0.9], [0, 1]), torch.stack([*KNOWN.values()]), ["dog"], config)
    assert one.scores.tolist() == pytest.approx([0.45**0.5, 0.5]) and one.labels.tolist() == [1, 0]
    assert torch.equal(one.boxes_xyxy, BOXES[[1, 0]])


def test_a_name_alone_still_competes_with_those_of_the_detector() -> None:
    fox = torch.tensor([[1.0, 0.0]])
    (score,) = joint(found(["fox"], [0.9], [0]), fox, ["cat"], EnsembleConfig(base=0.0, novel=1.0)).scores
    assert float(score) == pytest.approx(1 / 3)


@pytest.mark.parametrize("weight", [0.0, 0.5, 2 / 3, 1.0])
def test_no_box_that_the_teacher_could_lift_over_its_threshold_is_left_out(weight: float) -> None:
    config = EnsembleConfig(base=0.0, novel=weight)
    selection = Wanted(["fox"], 0.3, {}, 20, None, config).selection(base=["cat"])
    # a certain teacher lifts a score d to d ** (1 - w); boxes down to a tenth of 0.3 are reported as near
    lifted = 1.0 if weight == 1 else 0.03
    assert selection.score_threshold ** (1 - weight) == pytest.approx(lifted)
    assert selection.score_threshold > 0 or weight == 1
    assert selection.detections_per_image == 100
