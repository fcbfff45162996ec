"""The probe: what it measures, that it leaves the teacher raw, and that an interrupted one continues."""

import dataclasses

import pytest
import torch

from ezsd.renorm.check import Probe, ProbeState
from ezsd.renorm.config import CheckConfig, RenormConfig
from ezsd.renorm.held_back import hold_back
from ezsd.renorm.labelled_crops import LabelledCrops
from ezsd.renorm.norm_layers import find_norm_layers, interpolate_norms, load_norm_state, norm_state
from ezsd.renorm.tune import Tuner
from ezsd.teacher.load import load_teacher
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.source import TeacherSource

NAMES = ("red", "green", "blue", "grey")
CONFIG = RenormConfig(loss="softmax", epochs=2, photos_per_step=2, learning_rate=1e-2)
CHECK = CheckConfig(held_back=0.25, ways=(0.5, 1.0), boxes=6)


@pytest.fixture
def make_teacher(tiny_config_text):
    return lambda: load_teacher(TeacherSource("tiny", config_text=tiny_config_text, seed=3))


def coloured_boxes(photos=12):
    generator = torch.Generator().manual_seed(0)
    labels = [torch.randint(0, 4, (2,), generator=generator) for _ in range(photos)]
    pixels = torch.randint(0, 255, (photos, 2, 3, 32, 32), generator=generator).to(torch.uint8)
    return LabelledCrops(
        labels, [torch.full((2,), 0.1)] * photos, lambda piece: pixels[piece.photo][piece.start : piece.stop]
    )


def probe_of(teacher):
    parts = hold_back(coloured_boxes(), CHECK)
    return Probe(teacher, NAMES, Prompts(), parts, CONFIG, CHECK)


def test_a_probe_measures_each_epoch_and_way_and_leaves_the_teacher_raw(make_teacher):
    teacher, raw = make_teacher(), make_teacher()
    probe = probe_of(teacher)
    seen = []
    probe.on_boxes = seen.append
    trial = probe.run(None, lambda state: None)
    assert trial.accuracy.shape == (2, 2, 3)
    before, after = (norm_state(find_norm_layers(one, "both")) for one in (raw, teacher))
    assert all(torch.equal(before[name], after[name]) for name in before)
    tuned = sum(map(len, probe.parts.tuned.labels))
    assert sum(seen) == 2 * tuned + (1 + 2 * 2) * probe.measured_boxes
    assert 6 <= int(trial.counts[0]) <= probe.measured_boxes


def test_the_accuracy_is_that_of_the_interpolated_teacher(make_teacher):
    probe = probe_of(make_teacher())
    trial = probe.run(None, lambda state: None)
    parts, teacher = probe.parts, make_teacher()
    raw = norm_state(find_norm_layers(teacher, "both"))
    names = [NAMES[label] for label in parts.tuned_names]
    tuned = Tuner(teacher, names, Prompts(), parts.tuned, CONFIG).run(None, lambda state: None)
    load_norm_state(teacher, interpolate_norms(raw, tuned.norms, 0.5))
    photos = parts.boxes.sample(CHECK.boxes, CHECK.seed)
    crops = torch.cat(list(parts.boxes.ahead(photos)))
    labels = torch.cat([parts.boxes.labels[photo] for photo in photos])
    with torch.no_grad():
        text = teacher.encode_texts([f"a photo of a {name}" for name in NAMES])
        right = (teacher.encode_images(teacher.pixels(crops)) @ text.T).argmax(1) == labels
    assert float(trial.accuracy[-1, 0, 2]) == pytest.approx(right.double().mean().item())


def test_an_interrupted_probe_measures_the_same(make_teacher):
    states = []
    whole = probe_of(make_teacher()).run(None, states.append)
    kept = ProbeState.from_tensors(states[0].to_tensors())
    resumed = probe_of(make_teacher()).run(kept, lambda state: None)
    for part in dataclasses.fields(whole):
        assert torch.equal(getattr(whole, part.name), getattr(resumed, part.name))


def test_half_way_is_the_mean_and_all_the_way_is_exact():
    raw, tuned = {"image.ln.weight": torch.tensor([0.1, 3.0])}, {"image.ln.weight": torch.tensor([0.7, 1.0])}
    assert interpolate_norms(raw, tuned, 0.5)["image.ln.weight"].tolist() == pytest.approx([0.4, 2.0])
    assert torch.equal(interpolate_norms(raw, tuned, 1.0)["image.ln.weight"], tuned["image.ln.weight"])
