"""What `mine` leaves on disk, row for row with the index."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support.teacher_runs import SCENES, SPLIT, context_of, file_bytes, prepare_colours

from ezsd.boxes import max_iou_xyxy
from ezsd.cache.artifacts import Mined
from ezsd.errors import InputError
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.jobs.mine import MineShards
from ezsd.stages import mine, renorm


@pytest.fixture(scope="module")
def renormed_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("renormed")
    prepare_colours(root)
    renorm.run(context_of("renorm", root))
    return root


@pytest.fixture
def root(renormed_root: Path, tmp_path: Path) -> Path:
    """A folder of its own for the output, with everything else linked."""
    for name in ("photos", "tiny.json"):
        (tmp_path / name).symlink_to(renormed_root / name)
    (tmp_path / "artifacts").mkdir()
    for name in ("prepare", "renorm"):
        (tmp_path / "artifacts" / name).symlink_to(renormed_root / "artifacts" / name)
    return tmp_path


def all_rows(folder: Path) -> dict[str, np.ndarray]:
    store = Mined(folder).store
    shards = [store.read_shard(shard) for shard in range(store.shards)]
    return {name: np.concatenate([rows[name] for rows in shards]) for name in shards[0]}


def test_a_row_for_every_photo_padded_behind_its_count(root: Path) -> None:
    context = context_of("mine", root)
    result = mine.run(context)
    rows, index = all_rows(context.folder), Prepared(context.parent("prepare")).train
    assert rows["image_ids"].tolist() == index.photos.image_ids.tolist()
    assert rows["boxes_xyxy"].shape == (len(SCENES), 6, 4)
    for row, count in enumerate(rows["count"]):
        assert (rows["labels"][row, :count] >= 0).all() and (rows["labels"][row, count:] == -1).all()
        assert (rows["boxes_xyxy"][row, count:] == 0).all() and (rows["confidence"][row, count:] == 0).all()
        assert (np.diff(rows["scores"][row, :count]) <= 0).all()
    assert result.counts["photos"] == len(SCENES)
    assert result.counts["proposals"] == rows["count"].sum()
    assert result.counts["anchors"] == 4 * 4 * 2 * len(SCENES)
    assert result.counts["forwards"] == rows["forwards"].sum()
    assert result.facts["protocol"] == Mined(context.folder).protocol == "names known"
    assert Mined(context.folder).scored_context_factor == 1.0


def test_proposals_keep_away_from_base_boxes_and_base_names(root: Path) -> None:
    context = context_of("mine", root)
    mine.run(context)
    rows, index = all_rows(context.folder), Prepared(context.parent("prepare")).train
    assert rows["count"].sum() > 0
    for row, count in enumerate(rows["count"]):
        found = torch.from_numpy(rows["boxes_xyxy"][row, :count])
        base = torch.from_numpy(index.boxes_of(row).boxes_xyxy)
        assert (max_iou_xyxy(found, base) < context.params.mine.base_iou).all()
        assert (rows["labels"][row, :count] >= len(SPLIT.base)).all()


def test_without_filters_base_boxes_and_base_names_are_kept(root: Path) -> None:
    context = context_of("mine", root, ["mine.filters=none", "mine.keep=60"])
    mine.run(context)
    rows = Mined(context.folder).store.read_shard(0, ["boxes_xyxy", "labels", "count"])
    count = int(rows["count"][0])
    red = torch.tensor([SCENES[0]["red"]]).float()
    assert (rows["labels"][0, :count] < len(SPLIT.base)).any()
    assert max_iou_xyxy(red, torch.from_numpy(rows["boxes_xyxy"][0, :count])).item() > 0.3


def test_workers_and_order_change_no_byte(root: Path) -> None:
    one = context_of("mine", root)
    mine.run(one)
    expected = file_bytes(one.folder)
    two = context_of("other", root, ["run.workers=2"])
    mine.run(two)
    assert file_bytes(two.folder) == expected


def test_a_finished_shard_is_not_mined_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = context_of("mine", root)
    mine.run(whole)
    expected = file_bytes(whole.folder)
    mined: list[int] = []
    shard_of = MineShards.__call__

    def dies_at_the_second(self: MineShards, shard: int) -> dict[str, float]:
        if len(mined) == 1:
            raise KeyboardInterrupt
        mined.append(shard)
        return shard_of(self, shard)

    context = context_of("other", root)
    with monkeypatch.context() as patch:
        patch.setattr(MineShards, "__call__", dies_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            mine.run(context)
    again: list[int] = []

    def counts(self: MineShards, shard: int) -> dict[str, float]:
        again.append(shard)
        return shard_of(self, shard)

    monkeypatch.setattr(MineShards, "__call__", counts)
    mine.run(context)
    assert mined == [0] and again == [1, 2]
    assert file_bytes(context.folder) == expected


def test_the_cascade_fits_once_resumes_and_ends_with_the_same_bytes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = ["mine.method=cascade", "mine.cascade.fraction=0.9"]
    whole = context_of("mine", root, overrides)
    result = mine.run(whole)
    expected = file_bytes(whole.folder)
    assert "objectness.safetensors" in expected and not (whole.folder / "parts").exists()
    assert result.facts["method"] == "cascade"
    assert Mined(whole.folder).scored_context_factor == whole.params.mine.context_factor
    assert 0 < result.counts["forwards"] <= 0.9 * result.counts["anchors"]
    context = context_of("other", root, overrides)
    with monkeypatch.context() as patch:
        patch.setattr(MineShards, "__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mine.run(context)
    with monkeypatch.context() as patch:
        patch.setattr("ezsd.pipeline.jobs.mine_cascade.ObjectnessFit.__call__", interrupted)
        mine.run(context)
    assert file_bytes(context.folder) == expected


def interrupted(self: object, shard: int) -> dict[str, float]:
    raise KeyboardInterrupt


def test_strict_mining_knows_base_names_and_the_users_own(root: Path) -> None:
    context = context_of("mine", root, ["mine.names=strict", "mine.extra_names=[thing]"])
    result = mine.run(context)
    assert Mined(context.folder).names == ("red", "green", "blue", "thing")
    assert result.facts["protocol"] == "strict"


def test_an_extra_name_that_is_a_base_name_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="'red'"):
        mine.run(context_of("mine", root, ["mine.names=strict", "mine.extra_names=[red]"]))
