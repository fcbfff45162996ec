"""The code that an artifact depends on is found from imports."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ezsd.pipeline.code_digest import code_files
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import parse_params, preset_text


def test_a_stage_leans_on_what_it_imports_and_on_nothing_that_steers() -> None:
    files = code_files("ezsd.stages.mine")
    assert "ezsd/stages/mine.py" in files
    assert any(name.startswith("ezsd/mining/") for name in files)
    assert any(name.startswith("ezsd/cache/") for name in files)
    assert "ezsd/detector/detector.py" not in files
    assert "ezsd/pipeline/executor.py" not in files


@pytest.mark.parametrize("name", STAGES)
def test_the_closure_holds_every_own_module_that_is_loaded(name: str) -> None:
    """Parity with the interpreter: what importing the stage loads is in the closure, steering apart.

    Params are steering and load the configurations of all stages.
    """
    script = (
        "import sys, pathlib, ezsd.pipeline.params\n"
        "of_params = set(sys.modules)\n"
        f"import ezsd.stages.{name}\n"
        "root = pathlib.Path(__import__('ezsd').__file__).parent.parent\n"
        "for n, m in sorted(sys.modules.items()):\n"
        "    f = getattr(m, '__file__', None)\n"
        "    own = n.split('.')[0] == 'ezsd' and n.split('.')[1:2] != ['pipeline']\n"
        "    if own and n not in of_params and f:\n"
        "        print(pathlib.Path(f).relative_to(root).as_posix())\n"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) <= set(code_files(f"ezsd.stages.{name}"))


def test_a_choice_leans_on_its_own_modules_and_not_on_those_of_others() -> None:
    mine = STAGES["mine"]
    params = {
        method: parse_params(preset_text("demo"), [f"mine.method={method}"]) for method in ("cascade", "rpn")
    }
    assert mine.modules(params["rpn"]) == ("ezsd.stages.mine", "ezsd.pipeline.jobs.mine_rpn")
    assert "ezsd/detector/rpn.py" in code_files(*mine.modules(params["rpn"]))
    assert "ezsd/detector/rpn.py" not in code_files(*mine.modules(params["cascade"]))
    assert "ezsd/mining/cascade.py" in code_files(*mine.modules(params["cascade"]))
    assert set(mine.external_inputs(params["rpn"], Path())) == {"backbone"}
    assert mine.external_inputs(params["cascade"], Path()) == {}


def test_params_of_another_choice_are_no_inputs() -> None:
    mine = STAGES["mine"]
    of_rpn, of_all = ["mine.rpn.schedule.epochs=9"], ["mine.keep=9"]

    def inputs(method: str, overrides: list[str]) -> dict[str, Any]:
        return mine.inputs_of(parse_params(preset_text("demo"), [f"mine.method={method}", *overrides]))

    assert inputs("cascade", of_rpn) == inputs("cascade", [])
    assert inputs("rpn", of_rpn) != inputs("rpn", [])
    assert inputs("cascade", of_all) != inputs("cascade", [])
