import io
import json
from contextlib import redirect_stdout

import numpy as np
from PIL import Image
from pycocotools.coco import COCO

from ezsd.pipeline.data.world import draw_scene
from ezsd.pipeline.data.world.export import annotation_file, export_split, photo_dir


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bytes_do_not_depend_on_the_workers(tmp_path):
    export_split(tmp_path / "one", 0, "train", 6, workers=1)
    export_split(tmp_path / "two", 0, "train", 6, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 7


def test_the_photos_are_the_scenes_under_their_padded_ids(tmp_path):
    export_split(tmp_path, 0, "val", 3, workers=1)
    with redirect_stdout(io.StringIO()):
        coco = COCO(str(annotation_file(tmp_path, "val")))
    for index, image_id in enumerate(sorted(coco.imgs)):
        entry = coco.imgs[image_id]
        assert entry["file_name"] == f"{image_id:012d}.jpg"
        photo = Image.open(photo_dir(tmp_path, "val") / entry["file_name"])
        scene = draw_scene(0, "val", index)
        assert photo.size == (entry["width"], entry["height"])
        assert np.abs(np.asarray(photo, dtype=int) - scene.image).mean() < 12
        assert len(coco.getAnnIds(imgIds=image_id)) == len(scene.objects)


def test_a_split_of_no_scene_is_an_empty_data_set(tmp_path):
    export_split(tmp_path, 0, "train", 0, workers=1)
    annotations = json.loads(annotation_file(tmp_path, "train").read_text())
    assert annotations["images"] == [] and len(annotations["categories"]) == 65
