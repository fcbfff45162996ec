"""The command line says in one sentence what is wrong, and how to fix it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from urllib.error import URLError

import pytest
import yaml
from conftest import TinyDataset
from support.report_numbers import METRICS
from support.small_runs import REPOSITORY
from typer.testing import CliRunner

from ezsd.evaluation.config import EnsembleConfig
from ezsd.pipeline.graph import PRECOMPUTE, STAGES
from ezsd.pipeline.params import PRESETS, load_params, parse_params, plain_values, preset_text
from ezsd.stages.commands.main import app, main

COMMANDS = (
    "init", "init-own", "data check", "plan", "precompute", "train", "eval", "result", "report", "predict",
    "export", "embed-names", "inspect", "compare", "verify", "cache export", "cache import", "watch",
)  # fmt: skip


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
        ("3x", 36, (27, 33), (640, 800, 1333)),
        ("lvis-48e", 48, (32, 44), (640, 800, 1333)),
        ("demo", 3, (), (256, 256, 288)),
    ],
)
def test_a_schedule_by_name(
    schedule: str, epochs: int, decay_epochs: tuple[int, ...], sizes: tuple[int, int, int]
) -> None:
    assert run("init", "--preset", "coco", "--schedule", schedule)[0] == 0
    train = load_params(Path("params.yaml")).train
    assert (train.schedule.epochs, train.schedule.decay_epochs) == (epochs, decay_epochs)
    assert (min(train.examples.short_sides), train.detector.short_side, train.detector.long_side) == sizes


@pytest.mark.parametrize("preset", ["coco", "lvis", "voc"])
def test_the_papers_recipe_mines_exhaustively_and_re_normalizes_to_the_end(preset: str) -> None:
    assert run("init", "--preset", preset, "--recipe", "paper")[0] == 0
    paper, fast = load_params(Path("params.yaml")), parse_params(preset_text(preset))
    assert (paper.mine.method, paper.renorm.check) == ("exhaustive", None)
    assert (fast.mine.method, fast.renorm.check is None) == ("cascade", False)
    changed = replace(
        paper,
        mine=replace(paper.mine, method="cascade"),
        renorm=replace(paper.renorm, check=fast.renorm.check),
    )
    assert changed == fast


@pytest.mark.parametrize("preset", ["coco", "lvis", "voc"])
def test_the_recipe_beyond_the_paper_adds_the_ensemble(preset: str) -> None:
    assert run("init", "--preset", preset, "--recipe", "beyond")[0] == 0
    beyond, fast = load_params(Path("params.yaml")), parse_params(preset_text(preset))
    assert beyond.evaluate.ensemble == EnsembleConfig(base=1 / 3, novel=2 / 3)
    assert fast.evaluate.ensemble is None
    assert replace(beyond, evaluate=replace(beyond.evaluate, ensemble=None)) == fast


def test_the_learning_rate_follows_the_images_of_a_step() -> None:
    code, _, said = run("init", "--preset", "coco", "--images-per-step", "32")
    schedule = load_params(Path("params.yaml")).train.schedule
    assert code == 0 and (schedule.images_per_step, schedule.learning_rate) == (32, 0.04)
    assert "32 images a step, learning rate 0.04 in proportion" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--recipe", "cheap"], "no recipe is named 'cheap': choose one of fast, paper, beyond"),
        (["--recipe", "paper"], "preset 'demo' has no such recipe: choose one of coco, lvis, voc"),
        (["--images-per-step", "8"], "preset 'demo' has no such linear rule"),
    ],
)
def test_a_recipe_that_does_not_exist_is_refused(options: list[str], words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        main(["init", *options])


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


def test_init_leaves_the_stages_for_dvc_and_never_overwrites_others() -> None:
    Path("dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(SystemExit, match=r"dvc\.yaml exists and differs: give --force"):
        main(["init"])
    assert not Path("params.yaml").exists()
    assert run("init", "--force")[0] == 0
    assert list(yaml.safe_load(Path("dvc.yaml").read_text())["stages"]) == ["watch", *STAGES]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["init", "--preset", "imagenet"], "no preset is named 'imagenet'"),
        (["init", "--schedule", "2x"], "no schedule is named '2x': choose one of 1x, 3x, lvis-48e, demo"),
        (["init", "--preset", "coco", "--data", "nowhere"], "--data nowhere is not a folder"),
        (["init", "--preset", "demo", "--data", "."], "leave out --data"),
        (["precompute"], "params.yaml does not exist: write one with `ezsd-cli init"),
        (["precompute"], "or for your own photos with `ezsd-cli init-own`"),
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
    ],
)
def test_what_is_missing_is_named_with_the_command_that_makes_it(arguments: list[str], words: str) -> None:
    run("init")
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert words in str(stop.value)


@pytest.mark.parametrize("key", ["teacher.weights", "train.backbone_weights", "mine.rpn.backbone_weights"])
@pytest.mark.parametrize("only", [(), ("--only", "prepare")])
def test_weights_are_asked_for_before_anything_is_made(key: str, only: tuple[str, ...]) -> None:
    run("init")
    with pytest.raises(SystemExit, match=rf"error: {re.escape(key)} .*gone.pt is not a file"):
        main(["precompute", *only, "--set", f"{key}=gone.pt", "--set", "mine.method=rpn"])
    assert not Path("artifacts").exists()


def test_published_weights_that_cannot_be_fetched_are_missed_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init")
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    backbone = "{name: resnet18, taps: [layer2, layer3, layer4], frozen_stages: 2}"
    chosen = ["--set", f"train.detector.backbone={backbone}", "--set", "train.backbone_weights=tag:DEFAULT"]
    with pytest.raises(
        SystemExit,
        match=r"train.backbone_weights: .*URLError\): fetch them once with network, or give the path",
    ):
        main(["precompute", *chosen])
    assert not Path("artifacts").exists()


def test_a_plan_without_a_probe_counts_and_gives_no_times() -> None:
    run("init")
    code, printed, _ = run("plan", "--no-probe")
    first, *rows = printed.splitlines()
    assert code == 0 and first.split() == ["stage", "images", "crops", "forwards", "disk"]
    assert [row.split()[0] for row in rows] == [*STAGES, "total"]
    assert rows[0].split()[1] == "760"


def unreachable(*arguments: object, **options: object) -> None:
    raise URLError("no route")


def test_a_stage_that_does_not_exist_is_a_usage_error() -> None:
    run("init")
    code, _, errors = run("precompute", "--only", "cook")
    assert code == 2 and "cook" in errors and "mine" in errors


def test_a_traceback_is_shown_only_when_asked_for() -> None:
    with pytest.raises(Exception, match="does not exist"):
        main(["--debug", "precompute"])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    code, text, _ = run(*command.split(), "--help")
    assert code == 0 and (f"ezsd-cli {command}" in text or command == "watch")


def test_help_lists_the_commands_in_the_order_of_use() -> None:
    code, text, _ = run("--help")
    listed = re.findall(r"^. ([a-z][a-z-]*)  ", text, re.MULTILINE)
    assert code == 0 and listed == list(dict.fromkeys(command.split()[0] for command in COMMANDS))


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version")[:2] == (0, f"ezsd {version('ezsd')}\n")


def test_a_run_has_a_folder_of_its_own() -> None:
    assert run("init", "--run", "b")[0] == 0
    assert Path("runs/b/params.yaml").read_text() == preset_text("demo") and Path("runs/b/dvc.yaml").is_file()
    assert not Path("params.yaml").exists()
    with pytest.raises(SystemExit, match=r"runs/b/artifacts.*ezsd-cli eval"):
        main(["result", "--run", "b"])
    with pytest.raises(SystemExit, match=r"runs/c/params\.yaml does not exist: write one with"):
        main(["train", "--run", "c"])
    assert "--run" in run("inspect", "--help")[1] and "--run" in run("cache", "export", "--help")[1]


def test_the_name_of_a_run_is_no_path() -> None:
    for name in ("../elsewhere", "a/b", ".", ".."):
        assert run("init", "--run", name)[0] == 2


def test_the_help_of_precompute_names_its_stages() -> None:
    assert f"One of {', '.join(PRECOMPUTE)}." in run("precompute", "--help")[1]


def test_an_unexpected_error_is_reported_as_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("no such\nthing")

    monkeypatch.setattr("ezsd.pipeline.init.render_preset", fails)
    with pytest.raises(SystemExit) as stop:
        main(["init"])
    assert "a bug in ezsd (KeyError:" in str(stop.value) and "ezsd-cli --debug init" in str(stop.value)
    assert "\n" not in str(stop.value)
    with pytest.raises(KeyError):
        main(["--debug", "init"])


HEAVY = {
    "torch", "torchvision", "open_clip", "timm", "pycocotools", "dask", "distributed", "zarr", "h5py", "PIL",
}  # fmt: skip


def heavy_modules_of(arguments: list[str], environment: dict[str, str] | None = None) -> set[str]:
    """What a command has imported when it ends; it must end well."""
    script = (
        "import atexit, sys\n"
        f"sys.argv = {['ezsd-cli', *arguments]!r}\n"
        "atexit.register(lambda: print('imported', *sorted(sys.modules), file=sys.stderr))\n"
        "from ezsd.stages.commands.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})},
    )
    assert done.returncode == 0, done.stderr
    return HEAVY & set(done.stderr.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_imports_what_is_heavy(command: str) -> None:
    assert heavy_modules_of([*command.split(), "--help"]) == set()


def test_quick_commands_import_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "artifacts/evaluate").mkdir(parents=True)
    (tmp_path / "artifacts/evaluate/metrics.json").write_text(json.dumps(METRICS))
    (tmp_path / "photos").mkdir()
    boxes = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 9, "height": 9} for n in (1, 2)],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": [0, 0, 4, 4]} for n in (1, 2)],
        "categories": [{"id": 1, "name": "mug"}, {"id": 2, "name": "spoon"}],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    own = ["--photos", "photos", "--annotations", "boxes.json", "--novel", "spoon", "--params", "own.yaml"]
    for arguments in ([], ["--version"], ["init"], ["init-own", *own], ["result"], ["inspect"]):
        assert heavy_modules_of(arguments or ["--help"]) == set(), arguments


@pytest.mark.parametrize("source", ["drawn data", "the user's own"])
def test_watch_imports_nothing_heavy(source: str, tiny_dataset: TinyDataset) -> None:
    """`dvc repro` runs it each time."""
    demo = parse_params(preset_text("demo"))
    if source == "the user's own":
        demo = replace(demo, data=tiny_dataset.params().data)
    Path("params.yaml").write_text(yaml.safe_dump(plain_values(demo)))
    assert heavy_modules_of(["watch"]) == set()


def test_completion_imports_nothing_heavy() -> None:
    asked = {"_EZSD_CLI_COMPLETE": "complete_bash", "COMP_WORDS": "ezsd-cli predict --", "COMP_CWORD": "2"}
    assert heavy_modules_of([], asked) == set()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mine", "--find", "cup"], "it searches proposals"),
        (["proposals", "--find", "cup", "--out", "pages"], "such as found.html"),
    ],
)
def test_a_search_with_options_that_do_not_fit(arguments: list[str], words: str) -> None:
    code, _, said = run("inspect", *arguments)
    assert code == 2 and words in " ".join(said.replace("│", " ").split())
