"""A folder of photos, one COCO file and two lists of names become a params file and two annotation files."""

import json
from pathlib import Path

import pytest
from conftest import TinyDataset
from support.formats import as_xml, as_yolo

from ezsd.errors import InputError
from ezsd.pipeline.errors import DataError, ParamsError
from ezsd.pipeline.hold_out import Division, hold_out
from ezsd.pipeline.own_data import FILES, Shown, choose_own, own_params, read_names, write_own
from ezsd.pipeline.params import load_params, parse_params, preset_text, tree_params
from ezsd.pipeline.plan.estimate import Estimate
from ezsd.pipeline.plan.rates import constant
from ezsd.stages.commands.init_own import init_own


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """Ten photos, each with two boxes, of which one is of a novel name."""
    (tmp_path / "photos").mkdir()
    tree = {
        "info": {"year": 2025},
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": 9, "height": 9} for number in range(10)
        ],
        "annotations": [
            {"id": number, "image_id": number // 2, "category_id": number % 2, "bbox": [0, 0, 4, 4],
             "segmentation": [[0, 0, 4, 0, 4, 4]]}
            for number in range(20)
        ],
        "categories": [{"id": 0, "name": "mug"}, {"id": 1, "name": "spoon"}, {"id": 2, "name": "cake fork"}],
    }  # fmt: skip
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(tree))
    return path


def test_the_params_find_what_was_written_and_the_input_is_untouched(boxes: Path, tmp_path: Path) -> None:
    before = boxes.read_bytes()
    own = choose_own(tmp_path / "photos", boxes, None, ["spoon"])
    assert own.split.base == ("mug", "cake fork")
    write_own(hold_out(own.file, own.split, 0.2, seed=0), tmp_path / "root")
    params = tree_params(own_params(own, "3x", Shown(photos=8, names=1)))
    for which, photos in (("train", 8), ("val", 2)):
        path = tmp_path / "root" / str(getattr(params.data, f"{which}_annotations"))
        assert len(json.loads(path.read_text())["images"]) == photos
    assert params.data.val_photos == (tmp_path / "photos").as_posix()
    expected = parse_params(preset_text("voc"), ["train.schedule.warmup_steps=7"])  # a tenth of 8 * 36 / 4
    assert params.train == expected.train
    assert boxes.read_bytes() == before


def test_training_sees_the_photos_with_base_boxes_alone(boxes: Path, tmp_path: Path) -> None:
    own = choose_own(tmp_path / "photos", boxes, ["cake fork", "mug"], ["spoon"])
    division = hold_out(own.file, own.split, 0.2, seed=0)
    assert Shown.of(own, division) == Shown(photos=8, names=1)
    without = choose_own(tmp_path / "photos", boxes, ["cake fork"], ["spoon"])
    with pytest.raises(DataError, match="no base box on the training photos"):
        Shown.of(without, division)


def test_names_come_from_a_file_or_from_the_command_line(tmp_path: Path) -> None:
    listed = tmp_path / "names.txt"
    listed.write_text("mug\n\n cake fork \n")
    assert read_names(str(listed)) == read_names("mug, cake fork") == ("mug", "cake fork")


def test_a_file_of_names_may_come_from_any_editor(tmp_path: Path) -> None:
    listed = tmp_path / "names.txt"
    listed.write_bytes(
        "\ufeff# kitchen\r\nmug\r\n\r\ncake fork  # three tines\r\nbolt #4\r\nsalt, coarse\r\n".encode()
    )
    assert read_names(str(listed)) == ("mug", "cake fork", "bolt #4", "salt, coarse")


@pytest.mark.parametrize("given", ["novel.txt", "lists/novel.names", "./novel", "/nowhere/novel"])
def test_a_list_that_does_not_exist_is_called_that(given: str) -> None:
    with pytest.raises(DataError, match=rf"^{given} does not exist: give a file with one name a line"):
        read_names(given)


@pytest.mark.parametrize("given", ["salt/pepper mill", "no. 4 bolt, nut", "mug", "st. bernard"])
def test_names_are_not_taken_for_a_file(given: str) -> None:
    assert read_names(given) == tuple(name.strip() for name in given.split(","))


@pytest.mark.parametrize(
    ("base", "novel", "error", "words"),
    [
        (["mugs"], ["spoon"], DataError, "did you mean 'mug'"),
        (["mug", "spoon"], ["spoon"], InputError, "both base and novel"),
        (None, [], InputError, "no novel name"),
        ([], ["spoon"], InputError, "no base name"),
    ],
)
def test_wrong_names_are_refused(
    boxes: Path, base: list[str] | None, novel: list[str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        choose_own(boxes.parent / "photos", boxes, base, novel)


def test_what_cannot_be_divided_is_refused(boxes: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        choose_own(boxes.parent / "nowhere", boxes, None, ["spoon"])
    with pytest.raises(DataError, match="give their folder with --photos"):
        choose_own(None, boxes, None, ["spoon"])
    tree = json.loads(boxes.read_text())
    boxes.write_text(json.dumps(tree | {"images": tree["images"][:1]}))
    with pytest.raises(DataError, match="lists one photo"):
        divided(boxes)
    boxes.write_text(json.dumps({**tree, "annotations": None}))
    with pytest.raises(DataError, match="annotations"):
        divided(boxes)


def divided(boxes: Path) -> Division:
    own = choose_own(boxes.parent / "photos", boxes, None, ["spoon"])
    return hold_out(own.file, own.split, 0.2, seed=0)


def test_a_file_that_cannot_be_divided_leaves_nothing_behind(boxes: Path, tmp_path: Path) -> None:
    tree = json.loads(boxes.read_text())
    boxes.write_text(json.dumps(tree | {"images": tree["images"][:1]}))
    with pytest.raises(DataError, match="lists one photo"):
        init_own(boxes, "spoon", photos=tmp_path / "photos", params=tmp_path / "root" / "params.yaml")
    assert not (tmp_path / "root").exists()


def test_names_without_a_validation_box_are_listed(
    boxes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init_own(boxes, "forklift, spoons", "mug", tmp_path / "photos", params=tmp_path / "root/params.yaml")
    printed = capsys.readouterr().err
    assert "1 base and 2 novel names; 8 photos to train on and 2 to validate on" in printed
    assert "without a validation box, so without an AP: forklift, spoons\n" in printed
    assert printed.endswith("'spoons' is not in the annotations, did you mean 'spoon'?\n")


def boxes_by_photo(division: Division) -> dict[str, list[tuple[object, ...]]]:
    """Photo -> names and boxes, of both parts."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for tree in (division.train, division.val):
        names = {category["id"]: category["name"] for category in tree["categories"]}
        files = {image["id"]: image["file_name"] for image in tree["images"]}
        found |= {name: [] for name in files.values()}
        for box in tree["annotations"]:
            corners = tuple(round(side, 3) for side in box["bbox"])
            found[files[box["image_id"]]].append((names[box["category_id"]], *corners))
    return {name.removeprefix("images/"): sorted(rows) for name, rows in found.items()}  # type: ignore[type-var]


def test_the_same_boxes_come_from_every_form(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    coco = choose_own(
        tiny_dataset.photos("train"), tiny_dataset.annotations("train"), ["cat", "dog"], ["cow"]
    )
    expected = boxes_by_photo(hold_out(coco.file, coco.split, 0.2, seed=0))
    yolo = as_yolo(tiny_dataset, tmp_path / "yolo")
    for annotations in (yolo, yolo.parent):
        own = choose_own(None, annotations, ["cat", "dog"], ["cow"])
        assert own.photos == tmp_path / "yolo"
        division = hold_out(own.file, own.split, 0.2, seed=0)
        found = boxes_by_photo(division)
        assert {name: found[f"train/{name}"] for name in expected} == expected
    xml = as_xml(tiny_dataset, tmp_path / "xml")
    own = choose_own(tiny_dataset.photos("train"), xml, ["cat", "dog"], ["cow"])
    assert boxes_by_photo(hold_out(own.file, own.split, 0.2, seed=0)) == expected


def test_a_yolo_folder_keeps_its_validation_photos_unless_a_fraction_is_given(
    tiny_dataset: TinyDataset, tmp_path: Path
) -> None:
    yolo, root = as_yolo(tiny_dataset, tmp_path / "yolo"), tmp_path / "root"
    for fraction, held in ((None, ["images/val/v1.jpg", "images/val/v2.jpg"]), (0.6, None)):
        init_own(yolo, "cow", "cat, dog", val_fraction=fraction, params=root / "params.yaml", force=True)
        images = json.loads((root / FILES["val"]).read_text())["images"]
        assert len(images) == 4 if held is None else [image["file_name"] for image in images] == held


def test_a_time_budget_sizes_the_recipe_or_leaves_nothing_behind(
    boxes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Estimate, "measure_shared", lambda self, seconds: None)
    # 1,500 steps of 4 photos: a second a step on photos of 256 px, four on those of 512
    seconds = {256: 1500.0, 400: 3000.0, 512: 6000.0, 800: 12_000.0}
    monkeypatch.setattr(
        Estimate,
        "seconds",
        lambda self, params, limit: {"train": constant(seconds[params.train.detector.short_side])},
    )
    file, photos = tmp_path / "root/params.yaml", tmp_path / "photos"
    with pytest.raises(ParamsError, match="give at least 5m"):
        init_own(boxes, "spoon", photos=photos, params=file, time_budget="4m")
    assert not (tmp_path / "root").exists()

    init_own(boxes, "spoon", photos=photos, params=file, time_budget="2h")
    params = load_params(file)
    assert params.train.detector.short_side == 512 and params.renorm.epochs == 8
    printed = capsys.readouterr().err
    assert "size medium for 2:00:00: resnet50 at 512 px, 1,500 steps" in printed
    assert "planned 1:40:00 (1:40:00 to 1:40:00)" in printed
