"""The embedded world is drawn in shards into an ordinary COCO data set."""

import numpy as np
import pytest

from ezsd.world.scenes import draw_scene
from pipeline.data.coco import CocoFile
from pipeline.data.drawing import WorldDrawing
from pipeline.data.sources import DataSource


@pytest.fixture
def drawing(tmp_path):
    """Five scenes, two a shard."""
    source = DataSource(tmp_path / "val", tmp_path / "annotations" / "val.json", "coco", drawn=True)
    return WorldDrawing(source, "val", seed=3, scenes=5, parts=tmp_path / "parts", per_shard=2)


def draw_all(drawing):
    for shard in range(drawing.shards):
        if not drawing.is_done(shard):
            drawing(shard)
    drawing.write_annotations()


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
    other.write_annotations()
    assert {path.name: path.read_bytes() for path in drawing.source.photos.iterdir()} == before
    assert drawing.source.annotations.read_bytes() == annotations


def test_a_shard_that_lost_a_photo_is_drawn_again(drawing):
    draw_all(drawing)
    assert all(drawing.is_done(shard) for shard in range(3))
    min(drawing.source.photos.iterdir()).unlink()
    assert [drawing.is_done(shard) for shard in range(3)] == [False, True, True]
