"""The wheel, installed into an environment of its own, in an empty folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from support.small_runs import LEFT_OUT, REPOSITORY, bytes_below, differing, small_params

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


def test_in_an_empty_folder_init_and_dvc_are_enough(wheel: Path, small_run: Path, tmp_path: Path) -> None:
    commands = install(wheel, tmp_path / "environment")
    root, path = tmp_path / "project", f"{commands}{os.pathsep}{os.environ['PATH']}"
    root.mkdir()
    python = commands / "python"
    where = run(python, "-c", "import ezsd; print(ezsd.__file__)", root=root).strip()
    assert Path(where).is_relative_to(tmp_path / "environment")
    assert shutil.which("ezsd-cli", path=path) == str(commands / "ezsd-cli")

    run("ezsd-cli", "init", "--preset", "demo", root=root, path=path)
    assert {entry.name for entry in root.iterdir()} == {"params.yaml", "dvc.yaml"}
    (root / "params.yaml").write_text(small_params())
    run(python, "-m", "dvc", "init", "--quiet", "--no-scm", root=root, path=path)
    run(python, "-m", "dvc", "repro", root=root, path=path)
    stages = list(STAGES)
    assert not differing(bytes_below(small_run, stages), bytes_below(root, stages))
