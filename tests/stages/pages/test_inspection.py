"""`inspect`: what is in each artifact, as values, text and pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.evaluated_runs import evaluate_by_hand, make_parents

from ezsd.cache.artifacts import Renormed
from ezsd.cache.errors import ArtifactError
from ezsd.cache.pseudo_file import FILE, NO_NAME, PseudoTable, write_pseudo
from ezsd.cache.renorm_file import CheckRecord
from ezsd.cache.writing import begin, publish
from ezsd.pipeline.errors import PipelineError
from ezsd.stages.pages.drawing import BASE_COLOUR
from ezsd.stages.pages.inspection import (
    draw_renorm,
    inspect_stage,
    norm_changes,
)
from ezsd.stages.pages.inspection_text import image_text, stage_text
from ezsd.stages.pages.photo_details import draw_image_proposals, inspect_image, inspect_pseudo_image


@pytest.fixture
def root(tiny_dataset, tmp_path, monkeypatch):
    make_parents(tiny_dataset.params(), tmp_path)
    evaluate_by_hand(tiny_dataset.params(), tmp_path, monkeypatch)
    return tmp_path


def test_mine_shows_shapes_histograms_and_names(root):
    details = inspect_stage(root, "mine")
    assert details["arrays"]["boxes_xyxy"] == {"shape": [5, 3, 4], "dtype": "<f4"}
    assert sum(details["scores"]["counts"]) == 5
    assert details["scores"]["high"] == pytest.approx(1.0986, abs=1e-4)  # ln 3
    assert details["names"] == {"cow": 5}
    text = stage_text(details)
    assert "boxes_xyxy  5 x 3 x 4" in text
    assert "cow   5" in text


def test_renorm_lists_the_layers_that_changed_most_first(root):
    changes = norm_changes(root)
    assert [change["name"] for change in changes] == ["ln_post", "ln_pre", "ln_still"]
    assert [change["relative_change"] for change in changes] == pytest.approx([0.25, 0.01, 0.0])
    text = stage_text(inspect_stage(root, "renorm"))
    assert "image  ln_post     3         25.00%" in text
    bars = draw_renorm(root)
    longest, second = sorted(
        (sum(bars.getpixel((x, y)) == BASE_COLOUR for x in range(bars.width)) for y in (38, 58)), reverse=True
    )
    assert longest > 10 * second > 0


def test_renorm_shows_what_the_check_measured(root, monkeypatch):
    shares = np.array([[0.2, 0.6, 0.5], [0.25, 0.6, 0.75], [0.1, 0.5, 0.9]], np.float32)
    accuracy = np.stack([shares, shares], axis=1)
    check = CheckRecord(
        ("cow",), (40, 40, 30), np.array([0.5, 1], np.float32), accuracy, accuracy / 10, 1, 0.5
    )
    bars = draw_renorm(root)
    record = replace(Renormed(root / "artifacts/renorm").read(), check=check)
    monkeypatch.setattr(Renormed, "read", lambda self: record)
    details = inspect_stage(root, "renorm")
    assert details["check"]["kinds"][0] | {"accuracy": ()} == {
        "boxes_of": "held-back names",
        "boxes": 40,
        "raw": 0.2,
        "chosen": 0.25,
        "standard_error": 0.025,
        "accuracy": (),
    }
    text = stage_text(details)
    assert "stopped after epoch 1, 0.5 of the way from raw to tuned; held back: cow" in text
    assert "held-back photos        30     50.0%  75.0%   7.5%  50.0% 75.0% 90.0%" in text
    assert draw_renorm(root).height > bars.height + 200


def test_one_image_as_a_table(root):
    photo = inspect_image(root, 10)
    assert photo.as_json() == {
        "image_id": 10,
        "file_name": "b.jpg",
        "width": 64,
        "height": 48,
        "proposals": [
            {"rank": 1, "score": 0.9, "name": "cow", "confidence": 0.8, "box_xyxy": [2, 28, 22, 44]},
            {"rank": 2, "score": 0.5, "name": "cow", "confidence": 0.4, "box_xyxy": [30, 0, 50, 20]},
        ],
    }
    lines = image_text(photo).splitlines()
    assert lines[0] == "image 10 (b.jpg), 64x48: 2 proposals"
    assert lines[2].split() == ["1", "0.900", "cow", "0.800", "2.0", "28.0", "22.0", "44.0"]


def test_one_image_as_a_picture(root, tiny_dataset):
    drawn = draw_image_proposals(root, tiny_dataset.params(), inspect_image(root, 10))
    assert drawn.size == (128, 96)
    assert drawn.getpixel((4, 80)) == (
        253,
        231,
        37,
    )  # the left edge of the best box, in the scale's brightest


@pytest.fixture
def pseudo_root(root):
    """Two pseudo boxes in the photo with id 10, one of them without a name."""
    table = PseudoTable(
        np.array([0, 0, 2, 2, 2, 2]),
        np.array([[2, 28, 22, 44], [30, 0, 50, 20]], np.float32),
        np.array([2, NO_NAME], np.int32),
        np.array([0.775, 0.275], np.float32),
    )
    folder = root / "artifacts/pseudo"
    begin(folder, "pseudo", {})
    write_pseudo(folder / FILE, table)
    publish(folder, {"photos": 5, "boxes": 2}, {"names": "known"})
    return root


def test_pseudo_boxes_are_counted_by_name_and_probability(pseudo_root):
    details = inspect_stage(pseudo_root, "pseudo")
    assert details["names"] == {"cow": 1, "(no name)": 1}
    assert [place for place, count in enumerate(details["confidence"]["counts"]) if count] == [5, 15]
    text = stage_text(details)
    assert "names: known" in text and "(no name)  1" in text


def test_pseudo_boxes_of_one_image(pseudo_root, tiny_dataset):
    photo = inspect_pseudo_image(pseudo_root, 10)
    lines = image_text(photo).splitlines()
    assert lines[0] == "image 10 (b.jpg), 64x48: 2 pseudo boxes"
    assert lines[2].split() == ["1", "0.775", "cow", "0.775", "2.0", "28.0", "22.0", "44.0"]
    assert draw_image_proposals(pseudo_root, tiny_dataset.params(), photo).size == (128, 96)


def test_an_image_without_proposals(root, tiny_dataset):
    photo = inspect_image(root, 30)
    assert image_text(photo).splitlines()[0].endswith("0 proposals")
    assert draw_image_proposals(root, tiny_dataset.params(), photo).size == (128, 96)


def test_every_stage_is_json_and_text(root):
    for stage in ("prepare", "renorm", "mine", "train", "evaluate"):
        details = inspect_stage(root, stage)
        assert json.loads(json.dumps(details)) == details
        assert stage_text(details).startswith(stage)
    assert "| AP50 " in stage_text(inspect_stage(root, "evaluate"))


def test_a_mistake_gets_one_sentence(root):
    with pytest.raises(PipelineError, match="no training photo has the id 99: the 5 ids begin with 7"):
        inspect_image(root, 99)
    with pytest.raises(PipelineError, match="there is no stage 'mined': choose one of prepare"):
        inspect_stage(root, "mined")
    with pytest.raises(PipelineError, match=r"evaluate, report, or proposals$"):
        inspect_stage(root, "propsals")
    with pytest.raises(ArtifactError, match=r"report is missing.*run `ezsd-cli report`$"):
        inspect_stage(root, "report")
    with pytest.raises(ArtifactError, match=r"mine is missing.*run `ezsd-cli precompute --only mine`$"):
        inspect_stage(root / "elsewhere", "mine")
    with pytest.raises(ArtifactError, match=r"prepare is missing.*run `ezsd-cli precompute --only prepare`$"):
        inspect_image(root / "elsewhere", 10)
