"""The rooms and their arrows, and DVC's picture of the pipeline against our own."""

import ast
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.init import STAGES_TEMPLATE
from ezsd.pipeline.params import Params
from ezsd.pipeline.watch import WATCHED

ROOT = Path(__file__).resolve().parent.parent
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
WATCH = DVC.pop("watch")

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
    assert node["params"] == [*stage.params, {WATCHED: [name]}]
    assert node.get("deps", []) == [f"artifacts/{parent}" for parent in stage.parents]
    assert list(node["outs"][0]) == [f"artifacts/{name}"]


def test_dvc_looks_at_code_and_outside_files_on_every_run() -> None:
    assert WATCH["always_changed"]
    assert list(WATCH["outs"][0]) == [WATCHED]


def test_the_dvc_file_is_the_one_that_init_leaves() -> None:
    assert (ROOT / "dvc.yaml").resolve() == ROOT / "pipeline/presets" / STAGES_TEMPLATE


def declared_sections(name: str) -> set[str]:
    """Sections in the fingerprint of a stage, directly or through its parents' manifests."""
    own = {key.split(".")[0] for key in STAGES[name].params}
    return own.union(*(declared_sections(parent) for parent in STAGES[name].parents))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reads_only_the_params_that_its_fingerprint_holds(name: str) -> None:
    text = (ROOT / f"stages/{name}.py").read_text()
    read = set(re.findall(r"\bparams\.([a-z]+)\b", text)) & {field.name for field in fields(Params)}
    assert read <= declared_sections(name) | {"run"}
