"""Novel annotations touch nothing before evaluation."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.small_runs import BEFORE_EVALUATION, bytes_below, differing, run_all, small_params

from ezsd.split import builtin_split

NOVEL = set(builtin_split("world_48_17").novel)


@pytest.fixture(scope="module")
def world(small_run: Path) -> Path:
    """The small run's world as ordinary COCO files."""
    return small_run / "artifacts/prepare/world"


def as_own_data(world: Path) -> dict[str, dict]:
    """Params that read a folder of COCO files instead of drawing the world."""
    keys = {
        "format": "coco",
        "world": None,
        "train_photos": f"{world}/train",
        "train_annotations": f"{world}/annotations/instances_train.json",
        "val_photos": f"{world}/val",
        "val_annotations": f"{world}/annotations/instances_val.json",
    }
    return {"data": keys, "pseudo": {"precision": 0.0}}


def delete_novel(content: dict, novel_ids: set[int]) -> None:
    """No annotation of a novel name, and no category either."""
    content["categories"] = [c for c in content["categories"] if c["id"] not in novel_ids]
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] not in novel_ids]


def shuffle_novel(content: dict, novel_ids: set[int]) -> None:
    """Other photos, boxes and names for every novel annotation, some of them broken, in another order."""
    rng = random.Random(0)
    images = [image["id"] for image in content["images"]]
    for annotation in content["annotations"]:
        if annotation["category_id"] in novel_ids:
            annotation["image_id"] = rng.choice(images)
            annotation["category_id"] = rng.choice(sorted(novel_ids))
            annotation["bbox"] = [rng.uniform(-50, 300) for _ in range(4)]
    rng.shuffle(content["annotations"])


PROBED = Path("artifacts/evaluate/classifier.npz")
"""What the evaluation learns from cached proposals."""


@pytest.fixture(scope="module")
def before(world: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the pipeline makes of the world as it is."""
    root = tmp_path_factory.mktemp("original")
    (root / "params.yaml").write_text(small_params(as_own_data(world)))
    run_all(root, ["precompute", "train", "eval"])
    return {**bytes_below(root, BEFORE_EVALUATION), str(PROBED): (root / PROBED).read_bytes()}


@pytest.mark.parametrize("change", [delete_novel, shuffle_novel])
def test_changing_them_changes_no_byte_before_evaluation(
    change: Callable[[dict, set[int]], None],
    world: Path,
    before: dict[str, bytes],
    new_root: Callable[..., Path],
    tmp_path: Path,
) -> None:
    other = tmp_path / "other-world"
    shutil.copytree(world, other)
    for part in ("train", "val"):
        path = other / f"annotations/instances_{part}.json"
        content = json.loads(path.read_text())
        novel_ids = {c["id"] for c in content["categories"] if c["name"] in NOVEL}
        as_it_was = json.dumps(content["annotations"])
        change(content, novel_ids)
        assert json.dumps(content["annotations"]) != as_it_was
        path.write_text(json.dumps(content))
    root = new_root("changed", as_own_data(other))
    run_all(root, ["precompute", "train", "eval"])
    after = {**bytes_below(root, BEFORE_EVALUATION), str(PROBED): (root / PROBED).read_bytes()}
    assert not differing(before, after)
