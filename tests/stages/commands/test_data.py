"""`ezsd-cli data check` as a user runs it: the text, the JSON, the page, the exit code."""

import json

import pytest
import yaml
from support.teacher_runs import file_bytes
from typer.testing import CliRunner

from ezsd.pipeline.data_check.check import data_sources
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import parse_params, plain_values, preset_text
from ezsd.stages.commands.main import app, main


@pytest.fixture
def params_file(tiny_dataset, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(plain_values(tiny_dataset.params())))
    return path


def run(params_file, *arguments):
    return CliRunner().invoke(app, ["data", "check", "--params", str(params_file), *arguments])


def test_good_data_end_well_and_stay_as_they_are(tiny_dataset, params_file, tmp_path):
    before = file_bytes(tiny_dataset.folder)
    done = run(params_file, "--out", str(tmp_path / "page"))
    assert done.exit_code == 0, done.output
    assert run(params_file, "--out", str(tmp_path / "page")).exit_code == 0
    assert "nothing stops the pipeline" in done.stdout
    assert "Nothing stops the pipeline" in (tmp_path / "page/index.html").read_text()
    assert file_bytes(tiny_dataset.folder) == before


def test_data_that_would_stop_the_pipeline_end_with_1_and_are_shown(tiny_dataset, params_file, tmp_path):
    boxes = tiny_dataset.train["annotations"]
    boxes.append({**boxes[0], "id": 900, "bbox": [5, 5, 0, 3]})
    boxes.append({**boxes[0], "id": 901})
    tiny_dataset.save()
    done = run(params_file, "--json", "--out", str(tmp_path / "page"))
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["sets"]["train"]["base"] == 7
    kinds = {one["kind"]: one["count"] for one in report["findings"] if one["set"] == "train"}
    assert kinds["the box has no area"] == kinds["several identical boxes of one name"] == 1
    page = (tmp_path / "page/index.html").read_text()
    assert page.count("data:image/webp;base64,") == 2
    assert "1 of 7 boxes cannot be used" in page


def test_a_name_that_is_too_long_for_the_tokenizer_is_listed(params_file):
    done = run(params_file, "--set", f"teacher.text_names.cat={'very ' * 99}cat")
    assert "train, name that the teacher's tokenizer cuts (1): 'cat'" in done.stdout


def test_the_page_leaves_a_folder_with_other_files_alone(tiny_dataset, params_file):
    before = file_bytes(tiny_dataset.folder)
    arguments = ["data", "check", "--params", str(params_file), "--out", str(tiny_dataset.photos("train"))]
    with pytest.raises(SystemExit, match=r"holds other files, such as a\.jpg"):
        main(arguments)
    assert file_bytes(tiny_dataset.folder) == before


def test_the_world_must_have_been_drawn(tmp_path):
    with pytest.raises(PipelineError, match="precompute --only prepare"):
        data_sources(parse_params(preset_text("demo")), tmp_path)
