"""The tutorial: it runs, it shows what its text says, and it is committed with its pictures."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

TUTORIAL = Path(__file__).resolve().parents[2] / "docs/tutorial.ipynb"
PICTURES = {"image/png", "image/jpeg"}
RESULTS = """
print(json.dumps({
    "raw": raw, "tuned": tuned, "ap50": metrics["AP50"],
    "mined": [names[label] for label in proposals.labels],
    "found": [found.names[label] for found in detections for label in found.labels],
}))
"""


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    """The notebook, run anew, with a cell that prints what came out."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(RESULTS))
    return NotebookClient(notebook, timeout=900, resources={"metadata": {"path": TUTORIAL.parent}}).execute()


@pytest.mark.timeout(1200)
def test_it_shows_what_its_text_says(executed: nbformat.NotebookNode) -> None:
    results = json.loads(executed.cells[-1].outputs[0].text)
    assert results["tuned"]["base"] > results["raw"]["base"]
    assert results["tuned"]["novel"] >= results["raw"]["novel"]
    assert set(results["mined"]) == {"dotted fish", "striped star", "plain moon"}
    assert results["ap50"]["novel"] > 10
    found = set(results["found"])
    assert found and found <= {"fish", "star", "moon"}


def test_it_is_committed_with_its_pictures() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    cells = [cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert sum(not PICTURES.isdisjoint(output.get("data", {})) for output in outputs) >= 6
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)
    assert len(text) < 1_500_000
