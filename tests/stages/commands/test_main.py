"""The command line says what is wrong in one sentence, and how to mend it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ezsd.pipeline.params import PRESETS, load_params, preset_text
from ezsd.stages.commands.main import app, main


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("preset", PRESETS)
def test_init_writes_a_preset_that_loads(preset: str) -> None:
    assert run("init", "--preset", preset)[0] == 0
    assert load_params(Path("params.yaml")) is not None
    assert Path("params.yaml").read_text() == preset_text(preset)


def test_init_fills_in_the_folder_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "my photos").mkdir()
    assert run("init", "--preset", "coco", "--data", "my photos")[0] == 0
    params = load_params(Path("params.yaml"))
    assert params.data.train_annotations == "my photos/annotations/instances_train2017.json"


@pytest.mark.parametrize(
    ("schedule", "epochs", "decay_epochs", "sizes"),
    [
        ("1x", 12, (8, 11), (800, 800, 1333)),
        ("3x", 36, (24, 33), (640, 800, 1333)),
        ("lvis-48e", 48, (32, 44), (640, 800, 1333)),
        ("demo", 6, (4, 5), (256, 256, 288)),
    ],
)
def test_a_schedule_by_name(
    schedule: str, epochs: int, decay_epochs: tuple[int, ...], sizes: tuple[int, int, int]
) -> None:
    assert run("init", "--preset", "coco", "--schedule", schedule)[0] == 0
    train = load_params(Path("params.yaml")).train
    assert (train.schedule.epochs, train.schedule.decay_epochs) == (epochs, decay_epochs)
    assert (min(train.examples.short_sides), train.detector.short_side, train.detector.long_side) == sizes


def test_presets_have_the_schedules_of_the_method() -> None:
    for preset, schedule in {"demo": "demo", "coco": "3x", "voc": "3x", "lvis": "lvis-48e"}.items():
        assert preset_text(preset) == preset_text(preset, schedule)


def test_init_prints_without_writing() -> None:
    assert run("init", "--preset", "voc", "--print")[1] == preset_text("voc")
    assert not Path("params.yaml").exists()


def test_init_twice_is_no_error_but_never_overwrites_other_params() -> None:
    assert run("init")[0] == run("init")[0] == 0
    Path("params.yaml").write_text(preset_text("coco"))
    with pytest.raises(SystemExit, match=r"params\.yaml exists and differs: give --force"):
        main(["init"])
    assert Path("params.yaml").read_text() == preset_text("coco")
    assert run("init", "--force")[0] == 0
    assert Path("params.yaml").read_text() == preset_text("demo")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["init", "--preset", "imagenet"], "no preset is named 'imagenet'"),
        (["init", "--schedule", "2x"], "no schedule is named '2x': choose one of 1x, 3x, lvis-48e, demo"),
        (["init", "--preset", "coco", "--data", "nowhere"], "--data nowhere is not a folder"),
        (["init", "--preset", "demo", "--data", "."], "leave out --data"),
        (["precompute"], "params.yaml does not exist: write one with `ezsd-cli init"),
        (["verify"], "params.yaml does not exist"),
        (["report"], "params.yaml does not exist"),
    ],
)
def test_a_mistake_gets_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert sentence in str(stop.value)
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "ezsd-cli precompute --only"),
        (["eval"], "ezsd-cli"),
        (["result"], "ezsd-cli eval"),
        (["verify"], "there are no artifacts"),
        (["precompute", "--set", "mine.kep=4"], "unknown key 'mine.kep'"),
    ],
)
def test_what_is_not_there_yet_is_said_with_the_command_that_makes_it(
    arguments: list[str], words: str
) -> None:
    run("init")
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert words in str(stop.value)


def test_a_stage_that_does_not_exist_is_a_usage_error() -> None:
    run("init")
    code, _, said = run("precompute", "--only", "cook")
    assert code == 2 and "cook" in said and "mine" in said


def test_a_traceback_is_shown_only_when_asked_for() -> None:
    with pytest.raises(Exception, match="does not exist"):
        main(["--debug", "precompute"])


@pytest.mark.parametrize(
    "command",
    ["init", "init-own", "precompute", "train", "eval", "report", "verify", "inspect", "predict", "compare"],
)
def test_every_command_shows_an_example(command: str) -> None:
    code, said, _ = run(command, "--help")
    assert code == 0 and f"ezsd-cli {command}" in said
