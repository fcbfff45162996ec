"""Ground truth of any format in COCO's form."""

from pathlib import Path

from ezsd.pipeline.data.sources import DataSources, resolve_sources
from ezsd.pipeline.data.validation_photos import as_coco
from ezsd.pipeline.data.views import read_full_annotations, read_training
from ezsd.pipeline.params import OwnSplit

OWN = OwnSplit(base=("cat", "dog"), novel=("cow",))


def sources_of(dataset) -> DataSources:
    return resolve_sources(dataset.params().data, Path("elsewhere"), Path("elsewhere"))


def test_full_annotations_in_cocos_form_keep_ids_and_boxes(tiny_dataset):
    sources = sources_of(tiny_dataset)
    split = read_training(sources, OWN).split
    coco = as_coco(read_full_annotations(sources, "train", split), split)
    assert [image["id"] for image in coco["images"]] == [7, 10, 30, 31, 120]
    assert [row["name"] for row in coco["categories"]] == ["cat", "dog", "cow"]
    expected = {row["id"]: row for row in tiny_dataset.train["annotations"] if row["category_id"] != 63}
    for row in expected.values():
        del row["segmentation"]
    assert {row["id"]: row for row in coco["annotations"]} == expected


def test_full_annotations_without_boxes(tiny_dataset):
    tiny_dataset.val["annotations"] = []
    sources = sources_of(tiny_dataset.save())
    split = read_training(sources, OWN).split
    full = read_full_annotations(sources, "val", split)
    assert as_coco(full, split)["annotations"] == []
