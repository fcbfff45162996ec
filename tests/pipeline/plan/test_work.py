"""What a run has to do, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.plan.counts import Amounts, Units, count_amounts, mining_cost
from ezsd.pipeline.plan.data import DataSet
from ezsd.pipeline.plan.rates import Rate
from ezsd.pipeline.plan.work import (
    ANCHOR,
    CROP,
    DETECTION,
    FIT,
    HEAD,
    LOAD,
    PHOTO,
    PROBED,
    PROPOSER,
    SCENE,
    START,
    STEP,
    TEXT,
    StageWork,
    Workload,
)

SIZED = (
    "prepare.photos_per_shard=50",
    "renorm.epochs=4",
    "renorm.photos_per_step=8",
    "mine.keep=12",
    "mine.photos_per_shard=50",
    "mine.rpn.schedule={epochs: 6, images_per_step: 4}",
    "train.schedule.epochs=3",
    "train.schedule.images_per_step=2",
    "run.workers=2",
    "run.device=cpu",
)
"""What the numbers below are computed from."""
DEMO = parse_params(preset_text("demo"), SIZED)
REPEATED = parse_params(preset_text("demo"), ["renorm.repeat_threshold=1.0", "train.repeat_threshold=0.8"])
SIZE_WH = np.array([[640, 480]], np.int32)


def photos_of(number: int, boxes: float = 0.0) -> Amounts:
    """Photos of 640 x 480 with 48 base names, and half as many for validation."""
    return Amounts(number, number // 2, boxes, number, boxes, number, SIZE_WH, np.array([number]), 48)


def works(params: Params, data: DataSet) -> dict[str, StageWork]:
    """The work of each stage, with embeddings of 512 numbers and a detector of 7 bytes."""
    return {work.stage: work for work in Workload(params, data, 512, 7).stages()}


@pytest.mark.parametrize(
    ("count", "per_shard", "workers", "expected"),
    [(100, 0, 4, 100), (100, 10, 2, 50), (100, 50, 4, 50), (110, 50, 2, 100), (30, 50, 2, 30), (0, 5, 2, 0)],
)
def test_the_busiest_worker_sets_the_pace(count: int, per_shard: int, workers: int, expected: int) -> None:
    assert Units(count, per_shard).busiest(workers) == expected


def test_the_papers_mining_of_a_photo_is_12750_anchors() -> None:
    params = parse_params(preset_text("coco"), ["mine.method=exhaustive"])
    cost = mining_cost(params.mine, photos_of(3))
    assert cost.anchors == 12_750 and cost.tiles == 0
    assert cost.forwards == 12_750 + 600  # up to twice `keep` survivors are looked at again


def test_a_cascade_looks_at_a_fraction_of_the_anchors_tiles_included() -> None:
    params = parse_params(preset_text("coco"), ["mine.method=cascade", "mine.cascade.fraction=0.1"])
    cost = mining_cost(params.mine, photos_of(3))
    assert cost.forwards == 1275 and cost.tiles == 4 * 6  # tiles of 120 px on 480 x 640


def test_boxes_of_rare_names_are_counted_as_often_as_they_are_shown() -> None:
    common, rare = torch.tensor([0, 0]), torch.tensor([0, 1, 1])
    labels = [common, common, common, rare, torch.tensor([], dtype=torch.int64)]
    amounts = count_amounts(labels, np.tile(SIZE_WH, (5, 1)), 7, 2, REPEATED)
    # name 1 is in a quarter of the photos with boxes: its photo is shown sqrt(1 / (1/4)) = 2 times
    assert (amounts.boxes, amounts.boxed_photos, amounts.epoch_boxes) == (9, 4, 12)
    # in training, photos without boxes count too: name 0 is in 4 of 5 photos, name 1 in 1 of 5
    assert amounts.epoch_photos == pytest.approx(4 + (0.8 / 0.2) ** 0.5)
    assert (amounts.train_photos, amounts.val_photos) == (5, 7)


def test_drawn_photos_are_drawn_and_checked_by_two_workers() -> None:
    prepare = works(DEMO, DataSet(photos_of(600, 2400), photo_bytes=10_000))["prepare"]
    # 900 photos in shards of 50 are 18 shards, nine a worker
    assert prepare.units == {START: 2, PHOTO: 450, SCENE: 450}
    assert prepare.images == 900 and prepare.bytes == 900 * 10_128 + 2400 * 128


def test_a_box_that_is_tuned_costs_three_forwards_and_every_step_encodes_all_names() -> None:
    renorm = works(DEMO, DataSet(photos_of(600, boxes=2400)))["renorm"]
    # 4 epochs; 4 of the check without a fifth of names and photos; 1 + 4 * 4 looks at 2 * 256 held-back boxes
    tuned = 4 * 2400 + 4 * 0.8**2 * 2400 + 17 * 512 / 3
    assert renorm.crops == round(tuned + 2 * 2048)
    assert renorm.units[CROP] == pytest.approx(3 * tuned + 2 * 2048)
    # 75 steps of 8 photos in 4 epochs, as many again in the check, each of 48 names forward and backward
    assert renorm.units[TEXT] == 2 * 3 * 4 * 75 * 48
    assert renorm.units[PHOTO] == 600 and renorm.units[LOAD] == 1


def test_mining_is_shared_by_the_workers() -> None:
    mine = works(DEMO, DataSet(photos_of(600, boxes=2400)))["mine"]
    cost = mining_cost(DEMO.mine, photos_of(600))
    fit = 256 / 2  # photos from which the cascade learns
    assert mine.units[CROP] == pytest.approx(300 * (cost.forwards - cost.tiles))
    assert mine.units[PHOTO] == 300 + fit and PROPOSER not in mine.units
    # both look at all anchors of a photo, tiles included
    assert mine.units[ANCHOR] == 300 * cost.anchors and mine.units[FIT] == fit * cost.anchors
    assert mine.bytes == 600 * (
        12 * (16 + 4 + 4 + 4) + 4 + 4 + 4 + 8
    )  # 12 proposals a photo, and four counts


def test_a_proposal_network_is_trained_where_the_method_is_rpn() -> None:
    params = parse_params(preset_text("demo"), [*SIZED, "mine.method=rpn"])
    mine = works(params, DataSet(photos_of(600, boxes=2400)))["mine"]
    assert mine.units[PROPOSER] == 6 * 600 and mine.units[PHOTO] == 300 and FIT not in mine.units


def test_embedding_costs_what_base_boxes_and_proposals_cost() -> None:
    embed = works(DEMO, DataSet(photos_of(600, boxes=2400)))["embed"]
    assert embed.crops == embed.forwards == 600 * (12 + 4)
    assert embed.units == {START: 2, LOAD: 1, PHOTO: 300, CROP: 300 * 16}
    # 16 embeddings of a photo as float16, beside what mining stored
    assert embed.bytes == 600 * (16 * 512 * 2 + 12 * 28 + 20)


def test_training_shows_each_photo_in_each_epoch_after_a_start_from_some() -> None:
    data = DataSet(photos_of(600, boxes=2400))
    train = works(DEMO, data)["train"]
    assert train.units == {START: 1, PHOTO: 1800 + 300, STEP: 1800, HEAD: 1} and train.bytes == 7
    random = replace(DEMO.train, detector=replace(DEMO.train.detector, start="random"))
    assert works(replace(DEMO, train=random), data)["train"].units == {START: 1, PHOTO: 1800, STEP: 1800}


def test_evaluation_detects_in_each_photo_and_names_its_boxes_with_both_teachers() -> None:
    evaluate = works(DEMO, DataSet(photos_of(600, boxes=2400)))["evaluate"]
    photos = 152  # 75 shards of 4 are 38 for one of two workers
    assert evaluate.units[CROP] == photos * 2 * 4 and evaluate.units[DETECTION] == photos


def test_probing_turns_the_names_in_a_fixed_number_of_steps() -> None:
    data = DataSet(photos_of(600, boxes=2400))
    assert PROBED not in works(DEMO, data)["evaluate"].units
    params = parse_params(preset_text("demo"), [*SIZED, "evaluate.probing={boxes_per_name: 10}"])
    # 48 base names, and at most as many novel ones
    assert works(params, data)["evaluate"].units[PROBED] == 200 * 2 * 48 * 10


def test_pseudo_boxes_mine_some_photos_again() -> None:
    data = DataSet(photos_of(600, boxes=2400))
    off = works(DEMO, data)["pseudo"]
    assert off.units == {START: 1} and off.images == off.forwards == 0
    assert off.bytes == 600 * 8
    params = parse_params(preset_text("demo"), [*SIZED, "pseudo.photos=128", "pseudo.keep=3"])
    on, cost = works(params, data)["pseudo"], mining_cost(DEMO.mine, photos_of(600))
    # 128 photos in parts of 16, four of them for one of two workers
    crops, anchors = 64 * (cost.forwards - cost.tiles), 64 * cost.anchors
    assert on.units == pytest.approx({START: 2, LOAD: 1, PHOTO: 64, CROP: crops, ANCHOR: anchors})
    assert on.images == 128 and on.forwards == round(128 * cost.forwards)
    assert on.bytes == 600 * (8 + 3 * 24)


def test_a_stage_takes_the_sum_of_its_units() -> None:
    work = StageWork("mine", 0, 0, 0, 0, {START: 2, CROP: 100})
    rates = {START: Rate(5.0, 5.0, 5.0), CROP: Rate(0.5, 0.4, 0.75), STEP: Rate(9.0, 9.0, 9.0)}
    assert work.seconds(rates) == Rate(60.0, 50.0, 85.0)
