import math

import pytest
import torch
from torch import nn

from ezsd.pipeline.data.world.learning import Course, contrastive_loss, learn_names, pair_loss


def test_contrastive_loss_of_two_categories_by_hand():
    features = torch.eye(2)
    loss = contrastive_loss(features, features, torch.tensor(2.0), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-2)))


def test_pairs_of_one_category_are_not_told_apart():
    images = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    together = contrastive_loss(images, images, torch.tensor(5.0), torch.tensor([0, 0]))
    apart = contrastive_loss(images, torch.eye(2), torch.tensor(5.0), torch.tensor([0, 0]))
    assert together.item() == pytest.approx(math.log(2))
    assert apart > together


def test_pair_loss_of_two_categories_by_hand():
    features = torch.eye(2)
    loss = pair_loss(features, -features, torch.tensor(3.0), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(3)) + math.log(2))


def test_rate_warms_up_and_ends_near_zero():
    course = Course(steps=100, batch_size=1, learning_rate=1.0, warmup_steps=10)
    rates = [course.rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) > 0.95 and rates.index(max(rates)) == 9
    assert rates[-1] < 1e-3


def learned(seed: int) -> tuple[nn.Module, list[float]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    pictures = torch.zeros(40, 3, 2, 2, dtype=torch.uint8)
    pictures[20:] = 255
    labels = (torch.arange(40) >= 20).long()
    generator = torch.Generator().manual_seed(seed)
    course = Course(steps=60, batch_size=8, learning_rate=0.05, warmup_steps=1)
    lessons = list(learn_names(model, lambda x: x.float() / 255, pictures, labels, course, generator))
    assert [lesson.step for lesson in lessons] == list(range(60))
    return model, [lesson.loss for lesson in lessons]


def test_learning_lowers_the_loss_and_repeats_itself():
    model, losses = learned(seed=1)
    assert losses[-1] < 0.3 * losses[0]
    assert not model.training
    assert learned(seed=1)[1] == losses
    assert learned(seed=2)[1] != losses


def test_a_batch_larger_than_the_pictures_is_refused():
    course = Course(steps=1, batch_size=8, learning_rate=0.1)
    nothing = torch.zeros(0, 3, 2, 2, dtype=torch.uint8)
    lessons = learn_names(
        nn.Flatten(), torch.Tensor.float, nothing, torch.zeros(0), course, torch.Generator()
    )
    with pytest.raises(ValueError, match="8 cannot be drawn from 0"):
        next(lessons)
