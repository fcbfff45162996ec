"""The rooms and their arrows, and DVC's picture of the pipeline against our own."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from ezsd.pipeline.code_digest import code_files
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params, preset_text
from ezsd.pipeline.watch import WATCHED

ROOT = Path(__file__).resolve().parent.parent
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
WATCH = DVC.pop("watch")
EXTERNAL = {"prepare", "renorm", "mine", "train", "evaluate"}
# a change of where weights lie must reach the stage, which then asks to be watched; what is in them decides
ONLY_DVC = {"teacher.weights"}
CHOICES = {"mine": tuple(f"ezsd.pipeline.jobs.mine_{method}" for method in ("exhaustive", "cascade", "rpn"))}

ROOMS = ("cache", "pipeline", "stages")
METHOD = tuple(
    f"ezsd.{path.stem}" for path in sorted((ROOT / "ezsd").iterdir()) if path.stem not in (*ROOMS, "__init__")
)

# room: what its modules may not import, by the beginning of the name
FORBIDDEN = {
    "ezsd": (
        "ezsd.api",
        "ezsd.cache",
        "ezsd.pipeline",
        "ezsd.stages",
        "zarr",
        "h5py",
        "dvc",
        "typer",
        "dask",
    ),
    "ezsd/api": ("ezsd.stages",),
    "ezsd/detector": ("ezsd.teacher", "ezsd.mining", "open_clip"),
    "ezsd/training/losses": ("ezsd.teacher", "ezsd.mining", "open_clip"),
    "ezsd/training": ("ezsd.teacher", "ezsd.mining", "open_clip"),
    "cache": (*METHOD, "ezsd.pipeline", "ezsd.stages", "torch", "open_clip", "torchvision"),
    "pipeline": ("ezsd.api", "ezsd.stages"),
}


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def in_checkout(files: Iterable[str]) -> list[str]:
    """Modules of the rooms lie beside the package, which links to them."""
    return [(ROOT / file).resolve().relative_to(ROOT).as_posix() for file in files]


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_keeps_its_arrows(room: str) -> None:
    modules = set((ROOT / room).rglob("*.py"))
    if room == "ezsd":
        modules -= set((ROOT / "ezsd/api").rglob("*.py"))  # the public API joins the rooms
    assert modules
    for path in modules:
        for name in imports_of(path):
            for forbidden in FORBIDDEN[room]:
                assert name != forbidden and not name.startswith(f"{forbidden}."), f"{path} imports {name}"


def test_training_never_loads_the_teacher() -> None:
    loaded = "[n for n in sys.modules if n.split('.')[0] == 'open_clip' or n.startswith('ezsd.teacher')]"
    script = f"import sys, ezsd.stages.train; print({loaded})"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_dvc_and_the_graph_name_the_same_stages() -> None:
    assert list(DVC) == list(STAGES)


@pytest.mark.parametrize("name", STAGES)
def test_dvc_tracks_the_params_parents_and_code_of_a_stage(name: str) -> None:
    stage, node = STAGES[name], DVC[name]
    assert [key for key in node["params"] if key not in ONLY_DVC] == list(stage.params)
    assert [f"artifacts/{parent}" for parent in stage.parents] == [
        d for d in node["deps"] if d.startswith("artifacts/")
    ]
    assert list(node["outs"][0]) == [f"artifacts/{name}"]
    assert (WATCHED in node["deps"]) == (name in EXTERNAL)
    folders = [dep for dep in node["deps"] if not dep.startswith("artifacts/")]
    missing = [
        file
        for file in in_checkout(code_files(f"ezsd.stages.{name}", *CHOICES.get(name, ())))
        if not file.endswith("__init__.py")
        and not any(file == dep or file.startswith(f"{dep}/") for dep in folders)
    ]
    assert not missing, f"dvc.yaml: stage {name} leans on {missing}"


def test_dvc_watches_files_from_outside_only_where_the_params_say_so() -> None:
    assert WATCH["foreach"] == "${run.watch}"
    assert WATCH["do"]["always_changed"]
    assert list(WATCH["do"]["outs"][0]) == [WATCHED]
    assert (ROOT / WATCHED).read_text() == "{}\n"


def test_the_stages_that_dvc_watches_for_are_those_that_read_from_outside() -> None:
    modules = {name: (f"ezsd.stages.{name}", *CHOICES.get(name, ())) for name in STAGES}
    reading = {
        name for name in modules if any(hasattr(import_module(m), "external_inputs") for m in modules[name])
    }
    assert reading - {"report"} == EXTERNAL  # the page's own template and style lie within the project


def test_every_dependency_of_dvc_exists() -> None:
    for node in DVC.values():
        for dep in node["deps"]:
            assert dep.startswith("artifacts/") or (ROOT / dep).exists(), dep


def declared_sections(name: str) -> set[str]:
    """Sections in the fingerprint of a stage, directly or through its parents' manifests."""
    own = {key.split(".")[0] for key in STAGES[name].params}
    return own.union(*(declared_sections(parent) for parent in STAGES[name].parents))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reads_only_the_params_that_its_fingerprint_holds(name: str) -> None:
    text = (ROOT / f"stages/{name}.py").read_text()
    read = set(re.findall(r"\bparams\.([a-z]+)\b", text)) & {field.name for field in fields(Params)}
    assert read <= declared_sections(name) | {"run"}


def test_the_committed_params_are_the_demo_preset() -> None:
    assert (ROOT / "params.yaml").read_text() == preset_text("demo")
