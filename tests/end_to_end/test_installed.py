"""The wheel, installed into an environment of its own, in an empty folder: whole, and as people use it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import TinyDataset
from pycocotools.coco import COCO
from support.formats import as_yolo
from support.recipes import TINY
from support.small_runs import LEFT_OUT, REPOSITORY, bytes_below, differing, small_params
from support.trees import merge

from ezsd.pipeline.graph import STAGES

OFFLINE = ("--quiet", "--no-index", "--no-deps")
BUILD_SDIST = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


def run(*command: str | Path, root: Path, path: str = os.environ["PATH"]) -> str:
    """What a command prints; nothing of the checkout is on its import path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=root,
        capture_output=True,
        text=True,
        env={**environment, "PATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
    return done.stdout


def build_wheel(source: Path, out: Path) -> Path:
    pip = (sys.executable, "-m", "pip", "wheel", *OFFLINE, "--no-build-isolation")
    run(*pip, "--wheel-dir", out, ".", root=source)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files, where a build may leave its own."""
    root = tmp_path_factory.mktemp("built") / "checkout"
    shutil.copytree(REPOSITORY, root, symlinks=True, ignore=LEFT_OUT)
    return root


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    return build_wheel(checkout, checkout.parent / "wheel")


def contents(wheel: Path) -> dict[str, bytes]:
    """Path -> content of all files but pip's own."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        return {name: archive.read(name) for name in names}


def test_the_wheel_holds_one_import_name_and_all_data(wheel: Path) -> None:
    names = set(contents(wheel))
    assert {name.split("/")[0] for name in names} == {"ezsd"}
    tracked = subprocess.run(
        ["git", "ls-files", "ezsd", "cache", "pipeline", "stages"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    ).stdout.split()
    expected = {file if file.startswith("ezsd/") else f"ezsd/{file}" for file in tracked}
    links = {"ezsd/cache", "ezsd/pipeline", "ezsd/stages"}
    assert names == expected - links or not tracked  # an unpacked archive has no list of its files
    assert "ezsd/py.typed" in names


def test_the_source_distribution_has_no_tests_and_gives_the_same_wheel(
    wheel: Path, checkout: Path, tmp_path: Path
) -> None:
    archive = run(sys.executable, "-c", BUILD_SDIST, tmp_path, root=checkout).splitlines()[-1]
    shutil.unpack_archive(tmp_path / archive, tmp_path)
    source = tmp_path / archive.removesuffix(".tar.gz")
    assert not (source / "tests").exists()
    assert contents(build_wheel(source, tmp_path / "wheel")) == contents(wheel)


def install(wheel: Path, folder: Path) -> Path:
    """A new environment with the wheel, that borrows everything else; returns its folder of commands."""
    venv.create(folder, with_pip=False)
    places = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=places))
    borrowed = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)))
    commands = Path(sysconfig.get_path("scripts", vars=places))
    run(sys.executable, "-m", "pip", "--python", commands / "python", "install", *OFFLINE, wheel, root=folder)
    return commands


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment with the wheel."""
    return install(wheel, tmp_path_factory.mktemp("installed") / "environment")


def test_in_an_empty_folder_init_and_dvc_are_enough(commands: Path, small_run: Path, tmp_path: Path) -> None:
    root, path = tmp_path / "project", f"{commands}{os.pathsep}{os.environ['PATH']}"
    root.mkdir()
    python = commands / "python"
    where = run(python, "-c", "import ezsd; print(ezsd.__file__)", root=root).strip()
    assert Path(where).is_relative_to(commands.parent)
    assert shutil.which("ezsd-cli", path=path) == str(commands / "ezsd-cli")

    run("ezsd-cli", "init", "--preset", "demo", root=root, path=path)
    assert {entry.name for entry in root.iterdir()} == {"params.yaml", "dvc.yaml"}
    (root / "params.yaml").write_text(small_params())
    run(python, "-m", "dvc", "init", "--quiet", "--no-scm", root=root, path=path)
    run(python, "-m", "dvc", "repro", root=root, path=path)
    stages = list(STAGES)
    assert not differing(bytes_below(small_run, stages), bytes_below(root, stages))


SHORT = {
    **{section: TINY[section] for section in ("mine", "embed", "train", "report")},
    "teacher": {"model": "world-teacher", "weights": "bundled"},
    "renorm": {"epochs": 1},
    "run": {"workers": 1, "device": "cpu"},
}
"""What a patient person would not change: the bundled teacher, a tiny detector and few steps."""


@dataclass(frozen=True)
class Journey:
    """An empty folder, and the commands of the installed wheel."""

    commands: Path
    root: Path

    def __call__(self, *lines: str) -> str:
        """Run lines of `ezsd-cli`, one after the other in one process; returns what they print."""
        script = "import shlex, sys; from ezsd.stages.commands.main import app\n"
        script += "for line in sys.argv[1:]: app(shlex.split(line), standalone_mode=False)"
        return run(self.commands / "python", "-c", script, *lines, root=self.root)

    def shorten(self, run: str = ".") -> None:
        """Make the params of a run short."""
        path = self.root / run / "params.yaml"
        path.write_text(yaml.safe_dump(merge(yaml.safe_load(path.read_text()), SHORT)))


@pytest.fixture
def journey(commands: Path, tmp_path: Path) -> Journey:
    """A journey that begins in an empty folder."""
    root = tmp_path / "project"
    root.mkdir()
    return Journey(commands, root)


def test_from_own_boxes_and_names_without_any_to_predictions(
    journey: Journey, tiny_dataset: TinyDataset
) -> None:
    """Five base boxes on four photos are enough to go through; no finding and no check stops the run."""
    photos, boxes = tiny_dataset.photos("train"), tiny_dataset.annotations("train")
    own = f"init-own --photos '{photos}' --annotations '{boxes}' --base 'cat, dog' --novel 'forklift, pallet'"
    journey(own)
    journey.shorten()
    find = f"predict '{photos}/a.jpg' --names 'pallet, red mug' --threshold 0"
    printed = journey("precompute", "train", "eval", find)
    assert "own (names known)" in printed
    (photo,) = json.loads((journey.root / "predictions/predictions.json").read_text())
    assert {box["name"] for box in photo["detections"]} == {"pallet", "red mug"}


def test_from_a_yolo_folder_to_labels_that_a_coco_reader_opens(
    journey: Journey, tiny_dataset: TinyDataset, tmp_path: Path
) -> None:
    yolo, photos = as_yolo(tiny_dataset, tmp_path / "yolo"), tiny_dataset.photos("val")
    journey(f"init-own --annotations '{yolo}' --base 'cat, dog' --novel cow")
    journey.shorten()
    journey("precompute", "train", f"predict '{photos}' --format coco --threshold 0 --no-draw")
    read = COCO(str(journey.root / "predictions/coco.json"))
    assert {image["file_name"] for image in read.loadImgs(read.getImgIds())} == {"v1.jpg", "v2.jpg"}
    assert {name["name"] for name in read.loadCats(read.getCatIds())} == {"cat", "dog", "cow"}
    assert all(0 <= box["score"] <= 1 for box in read.loadAnns(read.getAnnIds()))


def test_the_demo_under_two_names_is_compared(journey: Journey) -> None:
    names, steps = ("first", "second"), ("precompute", "train", "eval")
    journey(*(f"init --run {name}" for name in names))
    for seed, name in enumerate(names):
        (journey.root / f"runs/{name}/params.yaml").write_text(small_params({"train": {"seed": seed}}))
    printed = journey(
        *(f"{step} --run {name}" for name in names for step in steps), "compare runs/first runs/second"
    )
    assert "first" in printed and "second" in printed and "AP50" in printed
    # what the seed of training does not change is on the disk once
    chunks = "artifacts/embed/embeddings.zarr/embeddings/c"
    places = [journey.root / "runs" / name / chunks / "0/0/0" for name in names]
    assert places[0].samefile(places[1])
