import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ezsd.pipeline.data.world.training import Schedule, train


def test_rate_warms_up_and_ends_near_zero():
    schedule = Schedule(steps=100, batch_size=1, learning_rate=1.0, warmup_steps=10)
    rates = [schedule.rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) > 0.95 and rates.index(max(rates)) == 9
    assert rates[-1] < 1e-3


def trained(seed: int) -> tuple[nn.Module, list[float]]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    rows, labels = torch.zeros(40, 3), (torch.arange(40) >= 20).long()
    rows[20:] = 1
    schedule = Schedule(steps=60, batch_size=8, learning_rate=0.1, warmup_steps=1)
    losses = train(
        model,
        lambda batch: F.cross_entropy(model(rows[batch]), labels[batch]),
        len(rows),
        schedule,
        torch.Generator().manual_seed(seed),
    )
    return model, list(losses)


def test_training_lowers_the_loss_and_repeats_itself():
    model, losses = trained(seed=1)
    assert len(losses) == 60
    assert losses[-1] < 0.3 * losses[0]
    assert not model.training
    assert trained(seed=1)[1] == losses
    assert trained(seed=2)[1] != losses


def test_a_batch_larger_than_the_pictures_is_refused():
    schedule = Schedule(steps=1, batch_size=8, learning_rate=0.1)
    with pytest.raises(ValueError, match="8 cannot be drawn from 0"):
        next(train(nn.Linear(3, 2), torch.sum, 0, schedule, torch.Generator()))
