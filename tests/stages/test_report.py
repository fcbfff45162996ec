"""`report`: the page and the table of a run made by hand."""

import base64
import io
import re

import pytest
from PIL import Image
from support.evaluated_runs import evaluate_by_hand, make_parents, report_by_hand

from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.jobs.training_log import read_history


@pytest.fixture
def reported(tiny_dataset, tmp_path, monkeypatch):
    """Runs the report and gives its folder."""

    def run(*overrides):
        params = tiny_dataset.params("report.validation_photos=2", "report.training_photos=3", *overrides)
        make_parents(params, tmp_path)
        evaluate_by_hand(params, tmp_path, monkeypatch)
        return report_by_hand(params, tmp_path)

    return run


def pictures(page):
    """Alternative text -> decoded picture."""
    found = re.findall(r'<img src="data:image/webp;base64,([^"]+)"[^>]* alt="([^"]+)"', page)
    return {alt: Image.open(io.BytesIO(base64.b64decode(data))) for data, alt in found}


def test_the_page_shows_the_run(reported, tmp_path):
    folder = reported()
    page = (folder / "index.html").read_text()
    for expected in ("AP50 100.0 on 1 category that had", "names known", "33.3", "None: all photos"):
        assert expected in page
    assert "5 boxes on 5 training photos" in page
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)
    assert str(tmp_path) not in page


def test_pictures_say_and_show_what_is_on_them(reported):
    shown = pictures((reported() / "index.html").read_text())
    training = [alt for alt in shown if alt.startswith("training photo")]
    # photo 30 has no proposal, so three of the other four are shown, evenly spaced
    assert training == [
        "training photo 7: 1 proposal, the best is called cow",
        "training photo 10: 2 proposals, the best is called cow",
        "training photo 31: 1 proposal, the best is called cow",
    ]
    # only photo 1 holds a novel object
    assert [alt for alt in shown if alt.startswith("photo")] == [
        "photo 1, annotated: cat, cow",
        "photo 1, found: cat 0.90, cow 0.80",
    ]
    assert shown["photo 1, annotated: cat, cow"].size == (128, 96)


def test_pictures_lead_to_the_proposals_of_their_photo_or_name(reported):
    page = (reported() / "index.html").read_text()
    leads = re.findall(r'<a href="([^"]*)">\s*<img[^>]* alt="([^":]*)', page)
    assert ("../../proposals/index.html#photo=31", "training photo 31") in leads


def test_what_the_detector_missed_is_shown_and_leads_to_the_proposals_of_its_name(
    tiny_dataset, tmp_path, monkeypatch
):
    params = tiny_dataset.params()
    make_parents(params, tmp_path)
    evaluate_by_hand(params, tmp_path, monkeypatch, blind=True)
    page = (report_by_hand(params, tmp_path) / "index.html").read_text()
    leads = re.findall(r'<a href="([^"]*)">\s*<img[^>]* alt="(missed[^"]*)', page)
    assert leads == [("../../proposals/index.html#name=cow", "missed: cow on photo 1")]
    assert {alt for alt in pictures(page) if alt.startswith("missed")} == {
        "missed: dog on photo 2",
        "missed: cat on photo 1",
        "missed: cow on photo 1",
    }


def test_photos_that_are_gone_are_named_on_the_page(tiny_dataset, tmp_path, monkeypatch):
    params = tiny_dataset.params()
    make_parents(params, tmp_path)
    evaluate_by_hand(params, tmp_path, monkeypatch, blind=True)
    (tiny_dataset.photos("val") / "v1.jpg").unlink()
    (tiny_dataset.photos("train") / "d.jpg").write_bytes(b"no photo")
    page = (report_by_hand(params, tmp_path) / "index.html").read_text()
    assert "missed: cow on photo 1: there is no such file" in page
    assert "photo 1, annotated: there is no such file" in page and "training photo 31: " in page
    assert "missed: dog on photo 2" in pictures(page) and str(tmp_path) not in page


def test_masks_are_on_the_pictures_of_a_detector_that_finds_them(reported):
    boxes_alone = (reported() / "index.html").read_text()
    masks = ("prepare.masks=true", "train.detector.mask_head={convolutions: 1, channels: 8}")
    with_masks = (reported(*masks) / "index.html").read_text()
    assert "so are the masks" in with_masks and "so are the masks" not in boxes_alone
    for words in ("photo 1, annotated: cat, cow", "photo 1, found: cat 0.90, cow 0.80"):
        # the middle of the blue cow, drawn at twice its size: orange covers it
        plain, tinted = (pictures(page)[words].getpixel((92, 56)) for page in (boxes_alone, with_masks))
        assert plain[0] < 60 and tinted[0] > 90


def test_the_table_is_written_and_printed_alike(reported):
    folder = reported()
    table = (folder / "table.md").read_text()
    assert "| AP50 " in table
    assert re.search(r"teacher accuracy, re-normalized \| +100\.0 \| +100\.0 \| +100\.0 \|", table)
    assert table.startswith("own (names known): 2 photos")


def test_page_and_table_set_the_ensemble_beside_the_detector_alone(reported):
    folder = reported("evaluate.ensemble={base: 0.25, novel: 0.75}")
    for name in ("index.html", "table.md"):
        text = (folder / name).read_text()
        assert "AP50 of the ensemble" in text
        assert "exponent is 0.25 for base names and 0.75 for novel ones" in text
    assert "ensemble" not in (reported() / "table.md").read_text()


def test_the_same_bytes_again(reported, tmp_path):
    first = {path.name: path.read_bytes() for path in reported().iterdir()}
    for stage in ("evaluate", "report", "mine", "renorm", "embed", "train", "prepare"):
        for path in sorted((tmp_path / "artifacts" / stage).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    again = {path.name: path.read_bytes() for path in reported().iterdir()}
    assert again == first
    assert set(first) == {"index.html", "table.md", "manifest.json"}


def test_quarantined_inputs_are_listed(reported, tiny_dataset):
    (tiny_dataset.photos("val") / "v2.jpg").write_bytes(b"no photo")
    page = (reported("prepare.max_quarantined_fraction=1.0") / "index.html").read_text()
    assert "val image 2 (v2.jpg)" in page
    assert "None: all photos" not in page


def test_history_leaves_out_the_rate(tmp_path):
    (tmp_path / "history.csv").write_text("step,learning_rate,total\n10,0.01,3.5\n20,0.01,2\n")
    assert read_history(tmp_path / "history.csv") == ([10, 20], {"total": [3.5, 2]})
    (tmp_path / "history.csv").write_text("step,learning_rate,total\n")
    assert read_history(tmp_path / "history.csv") == ([], {})


@pytest.mark.parametrize("text", ["step,total\nten,1\n", "step,total\n10\n"])
def test_damaged_history_is_named(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(
        ArtifactError, match=r"history\.csv is (missing|damaged: .*); run `ezsd-cli train --force`"
    ):
        read_history(tmp_path / "history.csv")
