"""The embedded world is drawn in shards into an ordinary COCO data set, its long tail into an LVIS one."""

import numpy as np
import pytest

from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.data.lvis import LvisFile
from ezsd.pipeline.data.sources import DataSource
from ezsd.pipeline.data.world.drawing import WorldDrawing, write_annotations
from ezsd.pipeline.data.world.scenes import draw_scene


@pytest.fixture
def drawing(tmp_path):
    """Five scenes, two a shard."""
    source = DataSource(tmp_path / "val", tmp_path / "annotations" / "val.json", "coco", drawn=True)
    return WorldDrawing(source, "val", seed=3, scenes=5, parts=tmp_path / "parts", per_shard=2)


def draw_all(drawing):
    for shard in range(drawing.shards):
        if not drawing.is_done(shard):
            drawing(shard)
    write_annotations(drawing, [drawing])


def test_scenes_become_photos_and_annotations(drawing):
    draw_all(drawing)
    file = CocoFile(drawing.source.annotations)
    names = [category.name for category in file.categories()]
    photos, boxes = file.photos(), file.boxes(names)
    assert (len(names), len(photos)) == (65, 5)
    scenes = [draw_scene(3, "val", index) for index in range(5)]
    assert [names[label] for label in boxes.labels] == [
        thing.category for scene in scenes for thing in scene.objects
    ]
    for row, scene in enumerate(scenes):
        width, height = photos.sizes_wh[row].tolist()
        pixels = drawing.source.folder().decode(photos.file_names[row], (width, height))
        difference = pixels.permute(1, 2, 0).numpy().astype(float) - scene.image
        assert np.abs(difference).mean() < 12  # JPEG is lossy


def test_shards_do_not_depend_on_their_order_or_size(drawing, tmp_path):
    draw_all(drawing)
    before = {path.name: path.read_bytes() for path in drawing.source.photos.iterdir()}
    annotations = drawing.source.annotations.read_bytes()
    other = WorldDrawing(drawing.source, "val", seed=3, scenes=5, parts=tmp_path / "others", per_shard=3)
    for shard in (1, 0):
        other(shard)
    write_annotations(other, [other])
    assert {path.name: path.read_bytes() for path in drawing.source.photos.iterdir()} == before
    assert drawing.source.annotations.read_bytes() == annotations


def test_a_shard_that_lost_a_photo_is_drawn_again(drawing):
    draw_all(drawing)
    assert all(drawing.is_done(shard) for shard in range(3))
    min(drawing.source.photos.iterdir()).unlink()
    assert [drawing.is_done(shard) for shard in range(3)] == [False, True, True]


def test_the_long_tail_is_an_lvis_data_set(tmp_path):
    sets = {
        which: DataSource(tmp_path, tmp_path / f"lvis_v1_{which}.json", "lvis", drawn=True)
        for which in ("train", "val")
    }
    drawings = [
        WorldDrawing(source, which, seed=3, scenes=4, parts=tmp_path / f"parts-{which}", per_shard=2)
        for which, source in sets.items()
    ]
    for drawing in drawings:
        for shard in range(drawing.shards):
            drawing(shard)
    write_annotations(drawings[0], drawings)
    for which, source in sets.items():
        file = source.open()
        assert isinstance(file, LvisFile) and len(file.categories()) == 260
        assert file.categories() == sets["train"].open().categories()
        photos = file.photos()
        assert file.searched().keys() == set(photos.ids.tolist())
        assert all(name.startswith(f"{which}/") for name in photos.file_names)
        for row, name in enumerate(photos.file_names):
            width, height = photos.sizes_wh[row].tolist()
            assert source.folder().decode(name, (width, height)).shape == (3, height, width)
