"""`train` from hand-made artifacts: what it writes, what it goes on from, and what it refuses."""

import csv
import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.training_workplace import DIM, PHOTOS, SPLIT, Workplace, make_workplace

from ezsd.cache.artifacts import Embedded
from ezsd.cache.errors import ArtifactError
from ezsd.cache.pseudo_file import NO_NAME, PseudoTable
from ezsd.detector.detector import detect
from ezsd.detector.sampling import IGNORED
from ezsd.errors import InputError
from ezsd.pipeline.data.training_photos import open_training_photos
from ezsd.pipeline.jobs import training as training_run
from ezsd.pipeline.jobs.train import TargetReader
from ezsd.pipeline.jobs.training_log import HISTORY
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.tensor_files import CHECKPOINT
from ezsd.training.engine import StepReport


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_workplace(tmp_path_factory.mktemp("train"))


@pytest.fixture(scope="module")
def trained(workplace: Workplace) -> dict[str, bytes]:
    return workplace.run()


def test_it_leaves_a_detector_that_names_the_whole_split(
    workplace: Workplace, trained: dict[str, bytes]
) -> None:
    assert set(trained) == {"detector.safetensors", "detector.json", "history.csv"}
    read = read_detector(workplace.root / "artifacts/train")
    assert read.split == SPLIT
    assert read.protocol == "names known"
    assert set(read.parents) == {"prepare", "renorm", "embed", "pseudo"}
    assert read.detector.roi_heads.classifier.text_embeddings.shape == (3, DIM)
    (found,) = detect(read.detector, [torch.zeros(3, 50, 70, dtype=torch.uint8)])
    assert set(found.labels.tolist()) <= {0, 1, 2}


def one_pseudo_box(label: int) -> PseudoTable:
    """One in the first photo."""
    offsets, box = np.minimum(np.arange(PHOTOS + 1), 1), np.array([[10, 10, 30, 30]], np.float32)
    return PseudoTable(offsets, box, np.array([label], np.int32), np.array([0.9], np.float32))


@pytest.mark.parametrize(
    ("label", "protocol"),
    [(2, "names known, pseudo boxes"), (NO_NAME, "names known, pseudo boxes without names")],
)
def test_pseudo_boxes_change_the_detector_and_its_protocol_says_so(
    label: int, protocol: str, trained: dict[str, bytes], tmp_path: Path
) -> None:
    workplace = make_workplace(tmp_path, one_pseudo_box(label))
    assert workplace.run()["detector.safetensors"] != trained["detector.safetensors"]
    read = read_detector(workplace.root / "artifacts/train")
    assert read.protocol == protocol
    assert read.detector.roi_heads.classifier.text_embeddings.shape == (3, DIM)


def test_a_pseudo_box_without_a_name_is_never_an_object(workplace: Workplace) -> None:
    context = workplace.context()
    store, index = Embedded(context.parent("embed")).store, open_training_photos(context).index
    for label, shown in ((2, 2), (NO_NAME, IGNORED)):
        pseudo = TargetReader(index, store, pseudo=one_pseudo_box(label))(0).pseudo
        assert pseudo is not None and pseudo.labels.tolist() == [shown]


def test_pseudo_boxes_of_other_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"pseudo boxes of 2 photos for 6: run .*--only pseudo --force"):
        make_workplace(tmp_path, replace(one_pseudo_box(2), offsets=np.array([0, 1, 1]))).run()


def test_the_card_holds_no_path_and_no_time(workplace: Workplace, trained: dict[str, bytes]) -> None:
    assert str(workplace.root) not in trained["detector.json"].decode()
    assert json.loads(trained["detector.json"])["config"]["box_head"]["width"] == 8


def test_the_history_tells_each_loss(trained: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(trained[HISTORY].decode().splitlines()))
    assert [row["step"] for row in rows] == ["6"]  # 2 epochs of 6 photos, 2 a step, in one row
    losses = ["objectness", "proposal_box", "classification", "box", "distillation"]
    assert float(rows[0]["total"]) == pytest.approx(sum(float(rows[0][name]) for name in losses), rel=1e-4)


def test_the_same_run_leaves_the_same_bytes(workplace: Workplace, trained: dict[str, bytes]) -> None:
    assert workplace.run("again") == trained


def test_the_bytes_do_not_depend_on_the_threads_of_the_caller(
    workplace: Workplace, trained: dict[str, bytes]
) -> None:
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert workplace.run(f"threads-{count}") == trained
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)


def at_step(step: int, happen: Callable[[], None]) -> Callable[..., Iterator[StepReport]]:
    """The real steps, with something happening before one is reported."""
    real = training_run.train_steps

    def steps(*arguments: Any) -> Iterator[StepReport]:
        for report in real(*arguments):
            if report.step == step:
                happen()
            yield report

    return steps


@pytest.mark.parametrize("step", [0, 3])
def test_ctrl_c_leaves_a_checkpoint_and_the_run_goes_on_to_the_same_bytes(
    workplace: Workplace, trained: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    folder = f"stopped-{step}"
    with monkeypatch.context() as patched:
        ctrl_c = at_step(step, lambda: signal.raise_signal(signal.SIGINT))
        patched.setattr(training_run, "train_steps", ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            workplace.run(folder)
    assert (workplace.root / "artifacts" / folder / CHECKPOINT).is_file()
    torch.manual_seed(1234)  # whatever a new process has drawn before
    assert workplace.run(folder) == trained


def test_a_closed_form_start_is_resumed_alike(
    workplace: Workplace, trained: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"detector": {"start": "closed_form", "box_head": {"width": 16}}}
    whole = workplace.run("solved", **changes)
    with monkeypatch.context() as patched:
        patched.setattr(training_run, "train_steps", at_step(3, lambda: signal.raise_signal(signal.SIGINT)))
        with pytest.raises(KeyboardInterrupt):
            workplace.run("solved-stopped", **changes)
    assert workplace.run("solved-stopped", **changes) == whole
    assert workplace.run("unsolved", detector={"box_head": {"width": 16}}) != whole


def flip_a_byte(data: bytes) -> bytes:
    return bytes([*data[:-9], data[-9] ^ 1, *data[-8:]])


@pytest.mark.parametrize("damage", [flip_a_byte, lambda data: data[:-100]])
def test_a_damaged_checkpoint_is_no_start_and_the_run_ends_with_the_same_bytes(
    workplace: Workplace,
    trained: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    folder = f"damaged-{tmp_path.name}"
    with monkeypatch.context() as patched:
        patched.setattr(training_run, "train_steps", at_step(3, lambda: signal.raise_signal(signal.SIGINT)))
        with pytest.raises(KeyboardInterrupt):
            workplace.run(folder)
    checkpoint = workplace.root / "artifacts" / folder / CHECKPOINT
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    assert workplace.run(folder) == trained
    assert capsys.readouterr().err.count("damaged or of another run: starting again") == 1


def test_a_run_that_dies_goes_on_from_its_last_checkpoint(
    workplace: Workplace, trained: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(training_run, "train_steps", at_step(4, die))
        with pytest.raises(MemoryError):
            workplace.run("died")
    assert workplace.run("died") == trained


def test_logs_change_no_byte_and_have_each_step_once(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise MemoryError

    monkeypatch.chdir(workplace.root)
    run = replace(workplace.params.run, loggers=("dvclive", "tensorboard"))
    logged = replace(workplace, params=replace(workplace.params, run=run))
    with monkeypatch.context() as patched:
        patched.setattr(training_run, "train_steps", at_step(10, die))
        with pytest.raises(MemoryError):
            logged.run("logged", schedule={"epochs": 4})  # leaves a checkpoint of 9 steps, and a row of 10
    assert logged.run("logged", schedule={"epochs": 4}) == workplace.run("unlogged", schedule={"epochs": 4})
    tables = workplace.root / "logs/dvclive/plots/metrics"
    for value in ("loss/total", "loss/distillation", "learning_rate", "images_per_second", "memory_GiB"):
        rows = (tables / f"{value}.tsv").read_text().splitlines()[1:]
        assert [row.split("\t")[0] for row in rows] == ["10", "12"], value
    assert list((workplace.root / "logs/tensorboard").iterdir())


def test_another_seed_trains_otherwise(workplace: Workplace, trained: dict[str, bytes]) -> None:
    assert workplace.run("other", seed=1)["detector.safetensors"] != trained["detector.safetensors"]


def test_rare_names_are_shown_more_often_and_a_resume_repeats_them_alike(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # cat and dog are in 4 and 3 of 6 photos: the factors are sqrt(1 / (4 / 6)) and sqrt(1 / (3 / 6))
    rows: list[int] = []
    read = TargetReader.__call__
    monkeypatch.setattr(TargetReader, "__call__", lambda self, row: (rows.append(row), read(self, row))[1])
    whole = workplace.run("rare", repeat_threshold=1.0, schedule={"epochs": 3})
    # three photos with a dog, one with a cat alone, two others: 7.5 images an epoch, 3 * 7 in steps of 2
    assert len(rows) == 22
    assert rows.count(1) < min(rows.count(row) for row in (0, 3, 4))  # photo 1 holds nothing
    with monkeypatch.context() as patched:
        patched.setattr(training_run, "train_steps", at_step(5, lambda: signal.raise_signal(signal.SIGINT)))
        with pytest.raises(KeyboardInterrupt):
            workplace.run("rare-stopped", repeat_threshold=1.0, schedule={"epochs": 3})
    assert workplace.run("rare-stopped", repeat_threshold=1.0, schedule={"epochs": 3}) == whole


def test_a_resume_repeats_the_jitter_alike(
    workplace: Workplace, trained: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = {"jitter": {"smallest": 0.5, "largest": 3.0}}
    whole = workplace.run("jitter", examples=examples)
    assert whole["detector.safetensors"] != trained["detector.safetensors"]
    with monkeypatch.context() as patched:
        patched.setattr(training_run, "train_steps", at_step(3, lambda: signal.raise_signal(signal.SIGINT)))
        with pytest.raises(KeyboardInterrupt):
            workplace.run("jitter-stopped", examples=examples)
    assert workplace.run("jitter-stopped", examples=examples) == whole


def test_seesaw_and_plain_regression_train_too(workplace: Workplace) -> None:
    plain = {"box_head": {"regressor": "plain"}}
    workplace.run("seesaw", classification_loss="seesaw", schedule={"epochs": 1}, detector=plain)
    read = read_detector(workplace.root / "artifacts/seesaw")
    assert read.detector.config.box_head.regressor == "plain"


def test_a_weights_file_that_is_missing_or_foreign_is_named(workplace: Workplace) -> None:
    def run_with(weights: str) -> None:
        workplace.run("refused", backbone_weights=weights)

    with pytest.raises(InputError, match=r"none\.pth is not a file"):
        run_with("none.pth")
    (workplace.root / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match=r"text\.pth holds no state dict"):
        run_with("text.pth")
    torch.save({"conv1.weight": torch.zeros(1)}, workplace.root / "other.pth")
    with pytest.raises(InputError, match="another architecture"):
        run_with("other.pth")


def test_targets_of_other_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"has image 7.*the index has 10"):
        make_workplace(tmp_path, first_id=700).run()


def test_a_damaged_detector_is_refused_with_the_fix(workplace: Workplace, trained: dict[str, bytes]) -> None:
    folder = workplace.root / "artifacts/damaged"
    folder.mkdir()
    for name, data in trained.items():
        (folder / name).write_bytes(data)
    (folder / "detector.safetensors").write_bytes(trained["detector.safetensors"][:1000])
    with pytest.raises(ArtifactError, match=r"damaged.*ezsd-cli train"):
        read_detector(folder)
    (folder / "detector.json").write_text("{}")
    with pytest.raises(ArtifactError, match="ezsd-cli train"):
        read_detector(folder)
