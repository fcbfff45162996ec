"""The page of all keys is current, and says what a key is."""

from pathlib import Path

from ezsd.pipeline.params.page import params_page

PAGE = Path(__file__).resolve().parents[3] / "docs/params.md"


def test_the_committed_page_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == params_page(), "run `python -m ezsd.pipeline.params.page > docs/params.md`"


def test_a_key_has_its_type_range_default_and_text() -> None:
    rows = {line.split(" | ")[0]: line for line in params_page().splitlines()}
    nms = "of two boxes that overlap by more, the one with the higher score is kept."
    assert rows["| `detector.rpn.nms_iou`"] == f"| `detector.rpn.nms_iou` | float ≥ 0, ≤ 1 | `0.7` | {nms} |"
    base = "names with boxes in training."
    assert rows["| `split.base`"] == f"| `split.base` | list of text | required | {base} |"


def test_every_key_is_described() -> None:
    table = [line for line in params_page().splitlines() if line.startswith("| `")]
    assert table and all(line.split(" | ")[3].strip(" |") for line in table)
