"""An artifact depends on what the code means that its stage can reach, and on no other code."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TinyDataset
from support.formats import as_voc
from support.small_runs import small_params

from ezsd.pipeline.code_digest import STEERING, code_digest, reachable, source_root
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params, parse_params, plain_values, preset_text

DATA, REPORT = "pipeline/data", "stages/pages/report"


def demo(*overrides: str) -> Params:
    return parse_params(preset_text("demo"), overrides)


@pytest.fixture
def stale_after(tmp_path: Path) -> Callable[..., set[str]]:
    """The stages whose code is another one after a change in a copy of the package."""
    copies = iter(range(9))

    def stale(change: Callable[[Path], None], params: Params) -> set[str]:
        root = tmp_path / str(next(copies))
        shutil.copytree(
            source_root() / "ezsd", root / "ezsd", ignore=shutil.ignore_patterns("__pycache__", "assets")
        )
        change(root / "ezsd")
        return {
            name
            for name, stage in STAGES.items()
            if code_digest(*stage.modules(params)) != code_digest(*stage.modules(params), root=root)
        }

    return stale


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    """A change of one place in a file of the package."""

    def change(package: Path) -> None:
        text = (package / file).read_text()
        assert old in text
        (package / file).write_text(text.replace(old, new, 1))

    return change


def append(file: str, text: str) -> Callable[[Path], None]:
    """A change at the end of a file of the package."""

    def change(package: Path) -> None:
        with (package / file).open("a") as opened:
            opened.write(text)

    return change


@pytest.mark.parametrize(
    "change",
    [
        replace("boxes.py", '"""', '"""Other words. '),
        replace("mining/score.py", "\n    return", "\n    # a remark\n\n    return"),
        append("cache/atomic.py", '\n"""Words of a constant."""\n'),
        replace("boxes.py", "torch.cat([", "torch.cat(\n        ["),
        append("pipeline/executor.py", "\nX = 1\n"),
    ],
    ids=["docstring", "comment and blank line", "attribute's docstring", "formatting", "executor"],
)  # fmt: skip
def test_words_layout_and_what_steers_a_run_make_nothing_stale(
    change: Callable[[Path], None], stale_after: Callable[..., set[str]]
) -> None:
    assert stale_after(change, demo()) == set()


def test_a_changed_constant_of_the_score_makes_mining_stale(stale_after: Callable[..., set[str]]) -> None:
    stale = stale_after(replace("mining/score.py", ".sum(dim=1)", ".sum(dim=0)"), demo())
    assert "mine" in stale and not stale & {"prepare", "renorm", "embed", "train"}


def test_the_reader_of_another_format_and_the_generator_are_out_of_reach(
    tiny_dataset: TinyDataset, stale_after: Callable[..., set[str]]
) -> None:
    coco, lvis, voc = (tiny_dataset.params(f"data.format={form}") for form in ("coco", "lvis", "voc"))
    readers = {"prepare", "evaluate"}
    of_voc = append(f"{DATA}/voc.py", "\nX = 1\n")
    assert stale_after(of_voc, voc) == readers
    assert stale_after(of_voc, coco) == stale_after(of_voc, lvis) == stale_after(of_voc, demo()) == set()
    of_lvis = append(f"{DATA}/lvis.py", "\nX = 1\n")
    assert stale_after(of_lvis, lvis) == readers
    assert stale_after(of_lvis, coco) == set()
    of_world = append(f"{DATA}/world/scenes.py", "\nX = 1\n")
    assert stale_after(of_world, demo()) == {"prepare"}
    assert stale_after(of_world, coco) == set()


def test_the_scoring_rules_of_another_format_are_out_of_reach(
    tiny_dataset: TinyDataset, stale_after: Callable[..., set[str]]
) -> None:
    own = {"lvis": "federated", "voc": "voc"}
    for form in ("coco", "lvis", "voc"):
        params = tiny_dataset.params(f"data.format={form}")
        for other, module in own.items():
            changed = stale_after(append(f"evaluation/{module}.py", "\nX = 1\n"), params)
            assert changed == ({"evaluate"} if other == form else set()), (form, module)


def test_the_drawn_long_tail_depends_on_its_generator_and_reader() -> None:
    modules = STAGES["prepare"].modules(parse_params(preset_text("long-tail")))
    assert {"ezsd.pipeline.data.lvis", "ezsd.pipeline.data.world.drawing"} <= set(reachable(*modules))


def test_a_template_beside_the_code_that_names_it_counts(stale_after: Callable[..., set[str]]) -> None:
    assert stale_after(append(f"{REPORT}/page.html", "<p>"), demo()) == {"report"}


def test_only_the_chosen_method_of_mining_is_reached() -> None:
    found = {
        method: set(reachable(*STAGES["mine"].modules(demo(f"mine.method={method}"))))
        for method in ("exhaustive", "cascade", "rpn")
    }
    assert "ezsd.mining.cascade" in found["cascade"] - found["exhaustive"] - found["rpn"]
    assert "ezsd.detector.rpn" in found["rpn"] - found["exhaustive"] - found["cascade"]
    assert set(STAGES["mine"].external_inputs(demo("mine.method=rpn"), Path())) == {
        "backbone",
        "backbone_config",
    }
    assert STAGES["mine"].external_inputs(demo(), Path()) == {}


def test_params_of_another_choice_are_no_inputs() -> None:
    mine = STAGES["mine"]
    of_rpn, of_all = ["mine.rpn.schedule.epochs=9"], ["mine.keep=9"]

    def inputs(method: str, overrides: list[str]) -> dict[str, Any]:
        return mine.inputs_of(demo(f"mine.method={method}", *overrides))

    assert inputs("cascade", of_rpn) == inputs("cascade", [])
    assert inputs("rpn", of_rpn) != inputs("rpn", [])
    assert inputs("cascade", of_all) != inputs("cascade", [])


LOADED = "print(*sorted(name for name in sys.modules if name.split('.')[0] == 'ezsd'))\n"


def loaded_by(script: str, *arguments: str) -> set[str]:
    """The project's modules that a Python process loads."""
    command = [sys.executable, "-c", f"import sys\n{script}\n{LOADED}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture(scope="module")
def of_steering() -> set[str]:
    """What steers a run and what that loads, such as the names that params may have."""
    params = "from ezsd.pipeline.params import parse_params, preset_text\nparse_params(preset_text('demo'))"
    return loaded_by(f"import {', '.join(sorted(STEERING))}\n{params}")


@pytest.mark.parametrize("name", STAGES)
def test_what_importing_a_stage_loads_is_reachable(name: str, of_steering: set[str]) -> None:
    """Parity with the interpreter."""
    assert loaded_by(f"import ezsd.stages.{name}") - of_steering <= set(reachable(f"ezsd.stages.{name}"))


RUN = """
from pathlib import Path
from ezsd.pipeline.params import load_params
from ezsd.pipeline.stage import StageContext
from importlib import import_module
root = Path(sys.argv[2])
folder = root / "artifacts" / sys.argv[1]
folder.mkdir(parents=True)
import_module("ezsd.stages." + sys.argv[1]).run(StageContext(load_params(root / "params.yaml"), root, folder))
"""


@pytest.mark.parametrize("form", ["voc", "world"])
def test_what_running_prepare_loads_is_reachable(
    form: str, tiny_dataset: TinyDataset, tmp_path: Path, of_steering: set[str]
) -> None:
    """Modules that are imported late, by name, are those that the graph says."""
    params = as_voc(tiny_dataset) if form == "voc" else parse_params(small_params())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(plain_values(params)))
    loaded = loaded_by(RUN, "prepare", str(tmp_path))
    modules = STAGES["prepare"].modules(params)
    assert set(modules) <= loaded
    assert loaded - of_steering <= set(reachable(*modules))
