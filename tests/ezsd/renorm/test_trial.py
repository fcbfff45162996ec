"""The choice of epoch and interpolation from accuracy on held-back boxes."""

import pytest
import torch

from ezsd.renorm.trial import Choice, Trial, start_trial


def flags(*right):
    return torch.tensor(right, dtype=torch.bool)


def trial_of(raw, *epochs, ways=(0.5, 1.0), error=0.0):
    """Accuracy of names and boxes by epoch and way; names alone play no part in the choice."""
    table = torch.tensor(
        [[[names, 0.0, boxes] for names, boxes in epoch] for epoch in epochs], dtype=torch.float64
    )
    start = torch.tensor([raw[0], 0.9, raw[1]], dtype=torch.float64)
    return Trial(torch.tensor(ways), torch.tensor([10, 10, 10]), start, table, torch.full_like(table, error))


def test_accuracy_and_its_paired_error_by_hand():
    raw = [flags(1, 0, 0, 1), flags(1, 1), flags(0, 0)]
    now = [flags(1, 1, 1, 0), flags(1, 1), flags(0, 1)]
    trial = start_trial([1.0], raw).with_epoch([now], raw)
    assert trial.raw.tolist() == [0.5, 1.0, 0.0] and trial.counts.tolist() == [4, 2, 2]
    assert trial.accuracy[0, 0].tolist() == [0.75, 1.0, 0.5]
    # differences 0, 1, 1, -1: variance 3/4 - 1/16 = 11/16, over 4 boxes
    assert trial.error[0, 0].tolist() == pytest.approx([(11 / 64) ** 0.5, 0.0, (1 / 8) ** 0.5])


def test_the_best_mean_of_names_and_boxes_is_chosen_where_no_one_loses():
    trial = trial_of((0.2, 0.3), [(0.22, 0.4), (0.19, 0.6)], [(0.2, 0.45), (0.1, 0.9)])
    assert trial.choose() == Choice(2, 0.5)
    assert trial.at(Choice(2, 0.5))[0].tolist() == [0.2, 0.0, 0.45]


def test_equal_candidates_give_the_earliest_and_shortest_way():
    trial = trial_of((0.2, 0.3), [(0.2, 0.4), (0.2, 0.4)], [(0.2, 0.4), (0.2, 0.4)])
    assert trial.choose() == Choice(1, 0.5)


@pytest.mark.parametrize("candidate", [(0.19, 0.9), (0.9, 0.29)])
def test_a_loss_within_two_standard_errors_is_chosen_only_if_all_lose(candidate):
    both_lose = [candidate, (0.1, 0.1)]
    assert trial_of((0.2, 0.3), both_lose, error=0.006).choose() == Choice(1, 0.5)
    assert trial_of((0.2, 0.3), both_lose, [(0.2, 0.3), (0.1, 0.1)], error=0.006).choose() == Choice(2, 0.5)


def test_if_all_lose_clearly_the_best_mean_is_taken():
    assert trial_of((0.2, 0.3), [(0.1, 0.4), (0.19, 0.5)]).choose() == Choice(1, 1.0)
