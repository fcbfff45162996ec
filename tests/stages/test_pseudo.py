"""The stage `pseudo` on the squares of `support.teacher_runs`."""

import shutil
from pathlib import Path

import pytest
from support.teacher_runs import SCENES, SPLIT, context_of, file_bytes, prepare_colours

from ezsd.cache.pseudo_file import FILE, NO_NAME, read_pseudo
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.executor import run_on_one_thread
from ezsd.pipeline.jobs.pseudo import held_back_mining
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.stages import mine, pseudo, renorm

ON = ("pseudo.precision=0", "pseudo.held_back=0.4")


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mined")
    prepare_colours(root)
    renorm.run(context_of("renorm", root))
    mine.run(context_of("mine", root))
    return root


def run(mined: Path, root: Path, *overrides: str) -> Path:
    shutil.copytree(mined, root, dirs_exist_ok=True)
    pseudo.run(context_of("pseudo", root, overrides))
    return root / "artifacts/pseudo"


def test_by_default_there_are_none_and_the_teacher_is_not_loaded(
    mined: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pseudo, "held_back_mining", None)
    table = read_pseudo(run(mined, tmp_path) / FILE)
    assert table.photos == len(SCENES) and len(table) == 0


def test_boxes_have_novel_names_and_a_calibrated_confidence(mined: Path, tmp_path: Path) -> None:
    shutil.copytree(mined, tmp_path, dirs_exist_ok=True)
    result = pseudo.run(context_of("pseudo", tmp_path, ON))
    table = read_pseudo(tmp_path / "artifacts/pseudo" / FILE)
    assert len(table) == result.counts["boxes"] > 0
    assert (table.labels >= len(SPLIT.base)).all() and table.labels.max() < len(SPLIT.names)
    assert len(result.facts["held_back"]) == 1
    assert max(table.offsets[1:] - table.offsets[:-1]) <= 4


def test_strict_boxes_have_no_name(mined: Path, tmp_path: Path) -> None:
    table = read_pseudo(run(mined, tmp_path, *ON, "pseudo.names=strict") / FILE)
    assert len(table) and (table.labels == NO_NAME).all()


def test_an_interrupted_run_and_more_workers_give_the_same_bytes(mined: Path, tmp_path: Path) -> None:
    whole = file_bytes(run(mined, tmp_path / "whole", *ON))
    shutil.copytree(mined, tmp_path / "resumed")
    context = context_of("pseudo", tmp_path / "resumed", ON)
    assert context.params.pseudo is not None
    job = held_back_mining(context, context.params.pseudo, context.folder / pseudo.PARTS)
    run_on_one_thread(job, 0)
    pseudo.run(context)
    assert file_bytes(context.folder) == whole
    assert file_bytes(run(mined, tmp_path / "two", *ON, "run.workers=2")) == whole


def test_names_cannot_be_known_where_mining_did_not_know_them() -> None:
    with pytest.raises(ParamsError, match=r"pseudo\.names known"):
        parse_params(preset_text("demo"), ["mine.names=strict", "pseudo.names=known"])
