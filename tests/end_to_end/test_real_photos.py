"""The `coco` preset on real photos, with a teacher that knows none: everything but the names is right."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image, ImageChops
from support.small_runs import cli, run_all
from support.trees import merge

from ezsd.pipeline.init import render_preset

ODD = ("grey", "cmyk", "rotated", "sixteen")


def some_photos(content: dict[str, Any], count: int) -> list[int]:
    """Ids of a photo with a crowd region, one with a tiny box, and the first others."""
    annotations = content["annotations"]
    crowd = next(a["image_id"] for a in annotations if a["iscrowd"])
    tiny = min((a for a in annotations if not a["iscrowd"]), key=lambda a: a["area"])["image_id"]
    others = [image["id"] for image in content["images"]]
    return list(dict.fromkeys([crowd, tiny, *others]))[:count]


def make_odd(path: Path, kind: str) -> Path:
    """Writes the same picture in another form of file; returns its path."""
    picture = Image.open(path).convert("RGB")
    if kind == "grey":
        picture.convert("L").save(path, quality=95)
    elif kind == "cmyk":
        ImageChops.invert(picture).convert("CMYK").save(path, quality=95)
    elif kind == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6  # "turn right to see it upright"
        picture.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=95)
    else:
        path.unlink()
        path = path.with_suffix(".png")
        picture.convert("L").convert("I").point(lambda value: value * 257).convert("I;16").save(path)
    return path


@pytest.fixture
def few_photos(coco_photos: Path, tmp_path: Path) -> Path:
    """Eight photos for training, of which four are odd files, and four for validation."""
    folder = tmp_path / "coco"
    for part, count in (("train2017", 8), ("val2017", 4)):
        content = json.loads((coco_photos / f"annotations/instances_{part}.json").read_text())
        chosen = some_photos(content, count)
        content["images"] = [image for image in content["images"] if image["id"] in chosen]
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] in chosen]
        (folder / part).mkdir(parents=True)
        for image in content["images"]:
            shutil.copy(coco_photos / part / image["file_name"], folder / part)
        if part == "train2017":
            for kind, image in zip(ODD, content["images"][-4:], strict=True):
                image["file_name"] = make_odd(folder / part / image["file_name"], kind).name
        (folder / "annotations").mkdir(exist_ok=True)
        (folder / f"annotations/instances_{part}.json").write_text(json.dumps(content))
    return folder


def small_coco_params(folder: Path) -> str:
    tree = yaml.safe_load(render_preset("coco", folder))
    tree["prepare"]["photos_per_shard"] = 4
    tree["teacher"].update(model="world-teacher", weights="bundled")
    tree["renorm"]["epochs"] = 1
    tree["mine"].update(
        long_side=320, short_side=256, scales=[2, 4], ratios=[1.0], keep=10, photos_per_shard=4
    )
    train = {
        "detector": {
            "pyramid_channels": 32,
            "rpn": {"anchors_per_image": 32, "post_nms_top_n": 50},
            "box_head": {"channels": 16, "width": 32, "rois_per_image": 32},
            "short_side": 160,
            "long_side": 256,
        },
        "backbone_weights": "random",
        "schedule": {"epochs": 1, "decay_epochs": [1], "warmup_steps": 1},
        "examples": {"short_sides": [160], "proposals_per_image": 10},
    }
    merge(tree["train"], train)
    tree["report"].update(training_photos=2, validation_photos=2)
    tree["run"].update(workers=1, device="cpu")
    return yaml.safe_dump(tree, sort_keys=False)


def test_all_stages_run_on_photos(few_photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    root.mkdir()
    (root / "params.yaml").write_text(small_coco_params(few_photos))
    run_all(root)
    assert json.loads((root / "artifacts/prepare/quarantine.json").read_text()) == []
    metrics = json.loads((root / "artifacts/evaluate/metrics.json").read_text())
    assert metrics["data"]["photos"] == 4
    rows = json.loads(cli("inspect", "mine", "--json", root=root).stdout)
    assert rows["counts"]["photos"] == 8 and rows["counts"]["proposals"] > 0
    ids = [
        image["id"]
        for image in json.loads((few_photos / "annotations/instances_train2017.json").read_text())["images"]
    ]
    shown = cli("inspect", "mine", "--image", str(ids[-1]), "--png", "proposals.png", "--json", root=root)
    assert shown.returncode == 0, shown.stderr
    look = json.loads(shown.stdout)
    for proposal in look["proposals"]:
        x0, y0, x1, y1 = proposal["box_xyxy"]
        assert 0 <= x0 < x1 <= look["width"] and 0 <= y0 < y1 <= look["height"]
    assert Image.open(root / "proposals.png").size[0] >= look["width"]


def test_new_names_are_looked_for_in_photos(small_run: Path, coco_photos: Path, tmp_path: Path) -> None:
    photo = next(iter(sorted((coco_photos / "val2017").iterdir())))
    done = cli(
        "predict", str(photo), "--names", "plain kite, striped dog", "--threshold", "0", "--out",
        str(tmp_path / "out"), "--json", root=small_run,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert {one["name"] for one in found["detections"]} <= {"plain kite", "striped dog"}
    assert Image.open(tmp_path / "out/drawings" / f"{photo.name}.png").format == "PNG"
