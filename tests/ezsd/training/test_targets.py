"""What a photo contributes to a step."""

import pytest
import torch
from torch import Tensor, tensor
from torch.testing import assert_close

from ezsd.errors import InputError
from ezsd.training.config import ExampleConfig
from ezsd.training.targets import CachedTargets, distill_weights, draw_example, flip_boxes_xyxy

WIDTH, HEIGHT = 20, 10
PHOTO = torch.arange(3 * HEIGHT * WIDTH, dtype=torch.uint8).reshape(3, HEIGHT, WIDTH)


def cached(objects: int = 2, proposals: int = 6) -> CachedTargets:
    """Row i of the proposals has box, embedding and confidence that all tell i."""
    numbers = torch.arange(proposals, dtype=torch.float32)
    objects_xyxy = tensor([[1.0, 2.0, 5.0, 6.0]]).repeat(objects, 1)
    return CachedTargets(
        boxes_xyxy=objects_xyxy,
        labels=torch.arange(objects),
        object_boxes_xyxy=objects_xyxy,
        object_embeddings=torch.full((objects, 3), -1.0),
        proposal_boxes_xyxy=numbers[:, None] + tensor([[0.0, 0.0, 2.0, 3.0]]),
        proposal_embeddings=numbers[:, None].repeat(1, 3),
        proposal_confidences=numbers / 10,
    )


def draws(
    targets: CachedTargets, proposals: int = 4, times: int = 20
) -> list[tuple[Tensor, dict[str, Tensor]]]:
    settings = ExampleConfig(proposals_per_image=proposals, short_sides=(10, 12))
    return [draw_example(PHOTO, targets, settings, seed) for seed in range(times)]


def flipped(photo: Tensor) -> bool:
    return not torch.equal(photo, PHOTO)


def test_boxes_embeddings_and_weights_of_a_proposal_stay_together() -> None:
    for photo, target in draws(cached()):
        boxes = target["distill_boxes"][2:]
        boxes = flip_boxes_xyxy(boxes, WIDTH) if flipped(photo) else boxes
        numbers = target["distill_embeddings"][2:, 0]
        assert torch.equal(boxes[:, 0], numbers)
        torch.testing.assert_close(target["distill_weights"][2:], numbers / 10)


def test_proposals_come_without_repetition_and_all_get_their_turn() -> None:
    seen = set()
    for _, target in draws(cached()):
        numbers = target["distill_embeddings"][2:, 0].tolist()
        assert len(set(numbers)) == len(numbers) == 4
        seen |= set(numbers)
    assert seen == set(range(6))


def test_equal_weights_ignore_the_confidences() -> None:
    settings = ExampleConfig(proposals_per_image=4, short_sides=(10,), proposal_weights="equal")
    _, target = draw_example(PHOTO, cached(), settings, seed=0)
    assert target["distill_weights"].tolist() == [1.0] * 6


def test_objects_always_come_with_weight_one() -> None:
    for _, target in draws(cached()):
        assert target["distill_weights"][:2].tolist() == [1.0, 1.0]
        assert (target["distill_embeddings"][:2] == -1).all()


def test_a_flip_moves_photo_objects_and_proposals_alike() -> None:
    flips = [(photo, target) for photo, target in draws(cached()) if flipped(photo)]
    assert 0 < len(flips) < 20
    for photo, target in flips:
        assert torch.equal(photo.flip(-1), PHOTO)
        assert target["boxes"].tolist() == [[15.0, 2.0, 19.0, 6.0]] * 2
        assert torch.equal(target["distill_boxes"][:2], target["boxes"])


def test_masks_follow_a_flip_and_are_there_for_each_object() -> None:
    masks = torch.zeros(2, HEIGHT, WIDTH, dtype=torch.uint8)
    masks[:, 2:6, 1:5] = 1  # fills the objects' box
    for _, target in draws(CachedTargets(**{**vars(cached()), "masks": masks})):
        x0, y0, x1, y1 = target["boxes"][0].int().tolist()
        assert target["masks"].sum() == masks.sum()
        assert target["masks"][:, y0:y1, x0:x1].all()
    with pytest.raises(InputError, match="box rows do not match: 2, 2, 1"):
        CachedTargets(**{**vars(cached()), "masks": masks[:1]})


def test_flipping_twice_is_nothing() -> None:
    boxes = tensor([[1.0, 2.0, 5.0, 6.0], [0.0, 0.0, 20.0, 10.0]])
    assert torch.equal(flip_boxes_xyxy(flip_boxes_xyxy(boxes, WIDTH), WIDTH), boxes)
    assert flip_boxes_xyxy(boxes, WIDTH)[1].tolist() == [0.0, 0.0, 20.0, 10.0]
    assert flip_boxes_xyxy(torch.zeros(0, 4), WIDTH).shape == (0, 4)


def test_every_short_side_is_drawn() -> None:
    assert {int(target["short_side"]) for _, target in draws(cached())} == {10, 12}


def test_fewer_proposals_than_asked_for_and_none_at_all() -> None:
    assert all(len(target["distill_boxes"]) == 5 for _, target in draws(cached(proposals=3)))
    for _, target in draws(cached(objects=0, proposals=0)):
        assert target["boxes"].shape == target["distill_boxes"].shape == (0, 4)
        assert target["distill_weights"].shape == (0,)


def test_the_same_seed_draws_the_same() -> None:
    (one,), (other,) = draws(cached(), times=1), draws(cached(), times=1)
    assert torch.equal(one[0], other[0])
    assert all(torch.equal(one[1][key], other[1][key]) for key in one[1])


def test_rows_that_do_not_match_are_refused() -> None:
    good = cached()
    with pytest.raises(InputError, match="proposal rows do not match: 6, 6, 5"):
        CachedTargets(**{**vars(good), "proposal_confidences": good.proposal_confidences[1:]})


def test_the_weights_of_ground_truth_and_proposals_share_one_mean_or_are_weighed_apart() -> None:
    confidences = tensor([0.75, 0.25])
    assert_close(distill_weights(1, confidences, None), tensor([1.0, 0.75, 0.25]))
    assert_close(distill_weights(1, confidences, 0.6), tensor([0.6, 0.3, 0.1]))
    assert_close(distill_weights(2, torch.zeros(2), 0.5), torch.full((4,), 0.25))


@pytest.mark.parametrize(("objects", "proposals"), [(2, 0), (0, 2), (0, 0)])
def test_a_group_that_is_alone_has_all_the_weight(objects: int, proposals: int) -> None:
    assert_close(distill_weights(objects, torch.ones(proposals), 0.3), torch.ones(objects + proposals))
