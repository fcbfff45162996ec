"""What `renorm` leaves on disk, and that stopping it changes nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.teacher_runs import SPLIT, context_of, file_bytes, prepare_colours
from torch.nn.functional import normalize

from ezsd.cache.artifacts import Renormed
from ezsd.errors import InputError
from ezsd.pipeline.data.sources import PhotoFileError
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.models.teacher import RenormalizedTeacher
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.tensor_files import CHECKPOINT
from ezsd.renorm.norm_layers import find_norm_layers, norm_state
from ezsd.renorm.trial import Choice, Trial
from ezsd.renorm.tune import Tuner
from ezsd.stages import renorm
from ezsd.teacher.load import load_teacher


@pytest.fixture
def root(tmp_path: Path) -> Path:
    prepare_colours(tmp_path)
    return tmp_path


def test_the_artifact_holds_what_changed(root: Path) -> None:
    context = context_of("renorm", root)
    result = renorm.run(context)
    assert sorted(file_bytes(context.folder)) == ["norms.safetensors", "renorm.h5"]
    record = Renormed(context.folder).read()
    assert record.names == SPLIT.names
    assert record.text_embeddings_renormalized.shape == (5, 16)
    assert len(record.base_accuracy) == 1 + context.params.renorm.epochs
    assert any(not np.array_equal(layer.gamma_before, layer.gamma_after) for layer in record.layers)
    assert {layer.tower for layer in record.layers} == {"image", "text"}
    assert result.counts == {"photos": 3, "boxes": 4, "norm_layers": len(record.layers)}
    assert result.facts["accuracy_boxes"] == 4


def test_the_tuned_teacher_can_be_loaded_and_is_another(root: Path) -> None:
    context = context_of("renorm", root)
    renorm.run(context)
    source = resolve_teacher(context.params.teacher, root)
    tuned = RenormalizedTeacher(source, Renormed(context.folder), context.params.run).load()
    assert not torch.equal(tuned.encode_texts(["red"]), load_teacher(source).encode_texts(["red"]))
    stored = load_file(Renormed(context.folder).norms)
    assert all(
        torch.equal(stored[name], value)
        for name, value in norm_state(find_norm_layers(tuned, "both")).items()
    )


def test_prompts_reach_the_teacher_and_the_record(root: Path) -> None:
    overrides = [
        "renorm.method=none",
        "teacher.templates=['a {}', 'the {}']",
        f"teacher.text_names={{red: crimson, blue: {'very ' * 20}blue}}",
    ]
    context = context_of("renorm", root, overrides)
    assert renorm.run(context).facts["cut_names"] == ["blue"]
    record = Renormed(context.folder).read()
    assert record.teacher["templates"] == ["a {}", "the {}"]
    assert record.teacher["text_names"]["red"] == ["crimson"]
    teacher = load_teacher(resolve_teacher(context.params.teacher, root))
    assert record.teacher["logit_scale"] == teacher.logit_scale
    expected = normalize(teacher.encode_texts(["a crimson", "the crimson"]).sum(dim=0), dim=0)
    np.testing.assert_allclose(record.text_embeddings_raw[0], expected.numpy(), atol=1e-6)


def interrupt(context: StageContext, run_epoch: Callable[[Tuner, int], object]) -> None:
    """Run the stage until `run_epoch`, instead of the tuner's own, interrupts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tuner, "_run_epoch", run_epoch)
        with pytest.raises(KeyboardInterrupt):
            renorm.run(context)


def flip_a_byte(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([*data[:-9], data[-9] ^ 1, *data[-8:]]))


@pytest.mark.parametrize(("loss", "damaged"), [("bce", False), ("softmax", False), ("bce", True)])
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    loss: str,
    damaged: bool,
) -> None:
    overrides = [f"renorm.loss={loss}", "renorm.epochs=3"]
    whole = context_of("renorm", root, overrides)
    renorm.run(whole)
    expected = file_bytes(whole.folder)

    other = tmp_path_factory.mktemp("interrupted")
    prepare_colours(other)
    run_epoch = Tuner._run_epoch

    def dies_in_the_second_epoch(self: Tuner, epoch: int) -> object:
        if epoch == 1:
            raise KeyboardInterrupt
        return run_epoch(self, epoch)

    context = context_of("renorm", other, overrides)
    interrupt(context, dies_in_the_second_epoch)
    assert (context.folder / CHECKPOINT).is_file()
    if damaged:
        flip_a_byte(context.folder / CHECKPOINT)
    renorm.run(context)
    assert file_bytes(context.folder) == expected


CHECKED = ["renorm.check.held_back=0.4", "renorm.epochs=3"]


@pytest.mark.parametrize("dies_at", [(True, 1), (False, 0), (False, 1)])
def test_a_check_is_recorded_and_survives_an_interruption(
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    dies_at: tuple[bool, int],
) -> None:
    monkeypatch.setattr(Trial, "choose", lambda self: Choice(2, 0.5))
    whole = context_of("renorm", root, CHECKED)
    facts = renorm.run(whole).facts["check"]
    check = Renormed(whole.folder).read().check
    assert check is not None and (check.epoch, check.way) == (facts["epoch"], facts["way"]) == (2, 0.5)
    assert set(check.held_back_names) < set(SPLIT.base)
    assert check.accuracy.shape == (4, 4, 3)
    assert len(Renormed(whole.folder).read().base_accuracy) == 1 + 2
    expected = file_bytes(whole.folder)

    other = tmp_path_factory.mktemp("interrupted")
    prepare_colours(other)
    run_epoch = Tuner._run_epoch

    def dies(self: Tuner, epoch: int) -> object:
        probing = len(self.names) < len(SPLIT.base)
        if (probing, epoch) == dies_at:
            raise KeyboardInterrupt
        return run_epoch(self, epoch)

    context = context_of("renorm", other, CHECKED)
    interrupt(context, dies)
    renorm.run(context)
    assert file_bytes(context.folder) == expected


def test_the_teacher_goes_the_chosen_way(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = context_of("renorm", root, ["renorm.epochs=1"])
    renorm.run(plain)
    tuned = Renormed(plain.folder).read().layers[0]
    monkeypatch.setattr(Trial, "choose", lambda self: Choice(1, 0.25))
    renorm.run(context_of("renorm", root, CHECKED))
    layer = Renormed(plain.folder).read().layers[0]
    expected = layer.gamma_before + 0.25 * (tuned.gamma_after - tuned.gamma_before)
    np.testing.assert_allclose(layer.gamma_after, expected, atol=1e-6)
    assert not np.array_equal(layer.gamma_after, tuned.gamma_after)


def test_names_that_clearly_lose_are_a_finding_that_stops_the_run(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(self: Trial, choice: Choice) -> tuple[torch.Tensor, torch.Tensor]:
        return self.raw - torch.tensor([0.1, 0.1, 0.0]), torch.full((3,), 0.04)

    assert renorm.run(context_of("renorm", root, CHECKED)).findings == []
    monkeypatch.setattr(Trial, "at", lost)
    (finding,) = renorm.run(context_of("renorm", root, CHECKED)).findings
    assert (finding.kind, finding.stops) == ("lost-names", True)
    assert "boxes of held-back base names" in finding.what and "learning_rate" in finding.fix
    assert finding.threshold - finding.number == pytest.approx(0.02)


def test_a_check_needs_enough_boxes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ezsd.renorm.held_back.FEWEST", 9)
    with pytest.raises(InputError, match=r"renorm\.check: .*too few"):
        renorm.run(context_of("renorm", root, ["renorm.check.held_back=0.2"]))


def test_the_bytes_do_not_depend_on_the_threads_of_the_caller(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("threads")
    prepare_colours(other)
    threads = torch.get_num_threads()
    try:
        for folder, count in ((root, 1), (other, 2)):
            torch.set_num_threads(count)
            STAGES["renorm"].run(context_of("renorm", folder))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert file_bytes(root / "artifacts/renorm") == file_bytes(other / "artifacts/renorm")


def test_a_photo_that_changed_since_prepare_stops(root: Path) -> None:
    photo = root / "photos/1.png"
    photo.write_bytes((root / "photos/0.png").read_bytes())
    with pytest.raises(PhotoFileError, match=r"photo 1\.png in .* is not the photo that prepare checked"):
        renorm.run(context_of("renorm", root))


def test_a_folder_with_other_photos_of_the_same_names_stops(root: Path) -> None:
    names = [path.name for path in sorted((root / "photos").iterdir())]
    (root / "others").mkdir()
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        (root / "others" / name).write_bytes((root / "photos" / other).read_bytes())
    with pytest.raises(PhotoFileError, match="is not the photo that prepare checked"):
        renorm.run(context_of("renorm", root, ["data.train_photos=others"]))


def test_method_none_changes_nothing_and_statistics_only_the_image_tower(root: Path) -> None:
    raw = context_of("renorm", root, ["renorm.method=none"])
    renorm.run(raw)
    record = Renormed(raw.folder).read()
    assert all(np.array_equal(layer.gamma_before, layer.gamma_after) for layer in record.layers)
    renorm.run(context_of("renorm", root, ["renorm.method=statistics"]))
    record = Renormed(raw.folder).read()
    changed = {
        layer.tower for layer in record.layers if not np.array_equal(layer.beta_before, layer.beta_after)
    }
    assert changed == {"image"}


def test_the_fingerprint_knows_the_weights(root: Path) -> None:
    one = STAGES["renorm"].external_inputs(context_of("renorm", root).params, root)
    other = STAGES["renorm"].external_inputs(context_of("renorm", root, ["teacher.seed=4"]).params, root)
    assert one != other
    assert one == STAGES["renorm"].external_inputs(context_of("renorm", root).params, root)
