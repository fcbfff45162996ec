"""Where a command finds its params, and whether the file or an override is at fault."""

from pathlib import Path

import pytest

from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params import preset_text
from ezsd.stages.commands.options import open_run, root_of


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(preset_text("demo"))
    return path


def test_a_folder_stands_for_the_params_in_it(params: Path) -> None:
    assert open_run(params.parent, None) == open_run(params, None)
    assert root_of(params.parent) == root_of(params) == params.parent


def test_an_override_changes_its_key(params: Path) -> None:
    loaded, _ = open_run(params, ["run.workers=3", "teacher.text_names={cat: tomcat}"])
    assert loaded.run.workers == 3 and loaded.teacher.text_names == {"cat": ("tomcat",)}


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("mine.kep=4", "--set 'mine.kep=4': unknown key 'mine.kep'.*did you mean mine.keep"),
        ("mien.keep=4", "--set 'mien.keep=4': there is no section 'mien'.*did you mean mine.keep"),
        ("mine.rpn.backbone.tap=[a]", "--set 'mine.rpn.backbone.tap=.*did you mean mine.rpn.backbone.taps"),
        ("mine.keep=none", "--set 'mine.keep=none': mine.keep: .*got 'none'$"),
        ("mine.zzzzzz=4", "--set 'mine.zzzzzz=4': unknown key 'mine.zzzzzz'.*spelling$"),
        ("keep", "--set 'keep' is not of the form"),
    ],
)
def test_a_mistake_in_set_names_the_override(params: Path, override: str, sentence: str) -> None:
    with pytest.raises(ParamsError, match=f"^{sentence}") as refused:
        open_run(params, ["run.workers=1", override])
    assert "params.yaml" not in str(refused.value)


def test_a_mistake_in_the_file_names_the_file(params: Path) -> None:
    params.write_text(preset_text("demo").replace("  keep:", "  kep:"))
    with pytest.raises(ParamsError, match=r"params\.yaml: "):
        open_run(params, ["run.workers=1"])
