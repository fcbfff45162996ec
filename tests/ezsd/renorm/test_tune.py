import dataclasses

import pytest
import torch

from ezsd.renorm.config import RenormConfig
from ezsd.renorm.labelled_crops import PIECE_BOXES, LabelledCrops, Piece, RememberedCrops
from ezsd.renorm.measure import BATCH, measure_domain
from ezsd.renorm.norm_layers import find_norm_layers, norm_state
from ezsd.renorm.tune import CROPS_AT_ONCE, Tuner, TuneState
from ezsd.teacher.load import load_teacher
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.source import TeacherSource

NAMES = ("red", "green", "blue")
PROMPTS = Prompts()
CONFIG = RenormConfig(
    towers="both",
    loss="softmax",
    epochs=4,
    photos_per_step=2,
    learning_rate=1e-2,
    weight_decay=1e-4,
    clip_norm=0.1,
    repeat_threshold=0.0,
    area_weights=False,
    seed=0,
)


@pytest.fixture
def make_teacher(tiny_config_text):
    return lambda: load_teacher(TeacherSource("tiny", config_text=tiny_config_text, seed=3))


def coloured_boxes(photos=8, boxes=3):
    """Crops of one colour with noise, labelled with their colour."""
    generator = torch.Generator().manual_seed(0)
    labels = [torch.randint(0, 3, (boxes,), generator=generator) for _ in range(photos)]

    def crops(piece):
        noise = torch.Generator().manual_seed(piece.photo)
        pixels = torch.randint(0, 90, (boxes, 3, 32, 32), generator=noise)
        pixels[torch.arange(boxes), labels[piece.photo]] += 150
        return pixels.to(torch.uint8)[piece.start : piece.stop]

    return LabelledCrops(labels, [torch.full((boxes,), 0.1)] * photos, crops)


def tune(teacher, config=CONFIG, state=None, data=None, prompts=PROMPTS):
    states = []
    tuner = Tuner(teacher, NAMES, prompts, data or coloured_boxes(), config)
    tuner.run(state, states.append)
    return states


def test_tuning_teaches_the_colours_and_moves_norm_layers_only(make_teacher):
    teacher, raw = make_teacher(), make_teacher()
    states = tune(teacher, dataclasses.replace(CONFIG, epochs=12))
    assert states[-1].losses[-1] < states[-1].losses[0]
    assert states[-1].accuracies[-1] > 0.6
    norms = {
        id(parameter)
        for layer in find_norm_layers(teacher, "both")
        for parameter in layer.module.parameters()
    }
    for tower in ("image_tower", "text_tower"):
        pairs = zip(getattr(teacher, tower).parameters(), getattr(raw, tower).parameters(), strict=True)
        for now, before in pairs:
            assert torch.equal(now, before) == (id(now) not in norms)
            assert not now.requires_grad
    assert teacher.logit_scale == raw.logit_scale


def test_the_number_of_threads_that_cut_crops_changes_no_bit(make_teacher):
    one, many = (
        tune(make_teacher(), data=dataclasses.replace(coloured_boxes(), threads=threads))[-1].to_tensors()
        for threads in (1, 5)
    )
    assert one.keys() == many.keys() and all(torch.equal(one[name], many[name]) for name in one)


@pytest.mark.parametrize(("towers", "other"), [("image", "text"), ("text", "image")])
def test_the_other_tower_is_left_alone(make_teacher, towers, other):
    teacher, raw = make_teacher(), make_teacher()
    tune(teacher, dataclasses.replace(CONFIG, epochs=1, towers=towers))
    before, after = (norm_state(find_norm_layers(one, other)) for one in (raw, teacher))
    assert all(torch.equal(before[name], after[name]) for name in before)
    moved = (norm_state(find_norm_layers(one, towers)) for one in (raw, teacher))
    assert any(not torch.equal(*pair) for pair in zip(*(state.values() for state in moved), strict=True))


@pytest.mark.parametrize("loss", ["bce", "softmax"])
def test_an_interrupted_run_ends_with_the_same_bytes(make_teacher, loss):
    config = dataclasses.replace(CONFIG, loss=loss, area_weights=True, repeat_threshold=0.5)
    whole = tune(make_teacher(), config)
    for epochs_done in (1, 3):
        kept = TuneState.from_tensors(whole[epochs_done - 1].to_tensors())
        resumed = tune(make_teacher(), config, kept)
        assert len(resumed) == config.epochs - epochs_done
        expected, got = whole[-1].to_tensors(), resumed[-1].to_tensors()
        assert expected.keys() == got.keys()
        assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_a_step_in_parts_equals_the_step_in_one(make_teacher, monkeypatch):
    data = coloured_boxes(photos=2, boxes=5)
    config = dataclasses.replace(CONFIG, epochs=1)
    whole = tune(make_teacher(), config, data=data)[-1]
    monkeypatch.setattr("ezsd.renorm.tune.CROPS_AT_ONCE", 3)
    parts = tune(make_teacher(), config, data=data)[-1]
    assert CROPS_AT_ONCE > 10
    for name, value in whole.norms.items():
        assert torch.allclose(value, parts.norms[name], atol=1e-4)


def watch_batches(teacher):
    """The sizes of all batches of crops that the teacher encodes from now on."""
    sizes, encode = [], teacher.encode_images

    def watched(pixels):
        sizes.append(len(pixels))
        return encode(pixels)

    teacher.encode_images = watched
    return sizes


def test_a_photo_with_very_many_boxes_is_tuned_on_and_measured_in_small_batches(make_teacher):
    data, cut = coloured_boxes(photos=2, boxes=1500), []

    def crops(piece):
        cut.append(piece.stop - piece.start)
        return data.crops(piece)

    teacher, watched = make_teacher(), dataclasses.replace(data, crops=crops)
    sizes = watch_batches(teacher)
    tune(teacher, dataclasses.replace(CONFIG, epochs=1), data=watched)
    assert sum(sizes) == 3000 and max(sizes) == CROPS_AT_ONCE
    sizes.clear()
    measure_domain(teacher, NAMES, PROMPTS, watched, range(2))
    assert sum(sizes) == 3000 and max(sizes) <= BATCH + PIECE_BOXES
    assert sum(cut) == 6000 and max(cut) == PIECE_BOXES


def test_flips_mirror_whole_photos_and_are_drawn_again_in_each_epoch(make_teacher, monkeypatch):
    monkeypatch.setattr("ezsd.renorm.labelled_crops.PIECE_BOXES", 1)
    data = coloured_boxes(photos=40, boxes=2)
    shown = []
    logits = Tuner._logits

    def watched(self, crops, text):
        shown.append(crops)
        return logits(self, crops, text)

    monkeypatch.setattr(Tuner, "_logits", watched)
    config = dataclasses.replace(CONFIG, epochs=2, photos_per_step=40, flips=0.5)
    tune(make_teacher(), config, data=data)
    exact = {crop.numpy().tobytes() for piece in data.pieces(range(40)) for crop in data.crops(piece)}
    epochs = [
        [crop.numpy().tobytes() in exact for crop in torch.cat(shown[part : part + 2])] for part in (0, 2)
    ]
    for epoch in epochs:
        assert epoch[::2] == epoch[1::2] and 10 < sum(epoch[::2]) < 30
    tune(make_teacher(), dataclasses.replace(config, flips=0.0, epochs=1), data=data)
    assert all(crop.numpy().tobytes() in exact for crop in shown[-1])


def test_remembered_crops_are_cut_once_while_there_is_room():
    cut = []

    def crops(piece):
        cut.append(piece.photo)
        return torch.full((1, 3, 2, 2), piece.photo, dtype=torch.uint8)

    remembered = RememberedCrops(crops, max_bytes=30)
    values = [remembered(Piece(photo, 0, 1))[0, 0, 0, 0].item() for photo in (0, 1, 2, 0, 1, 2)]
    assert values == [0, 1, 2, 0, 1, 2]
    assert cut == [0, 1, 2, 2]


def test_measuring_a_domain_sees_every_layer_and_every_box(make_teacher):
    teacher, data = make_teacher(), coloured_boxes()
    found = measure_domain(teacher, NAMES, Prompts(["{}"]), data, range(len(data)))
    assert found.boxes == 24
    assert found.activations.keys() == {layer.name for layer in find_norm_layers(teacher, "both")}
    crops = torch.cat(list(data.ahead(range(len(data)))))
    with torch.no_grad():
        features = teacher.encode_images(teacher.pixels(crops)).double()
        right = (
            (features.float() @ teacher.encode_texts(NAMES).T).argmax(1) == torch.cat(data.labels)
        ).float()
    assert torch.allclose(found.feature_mean, features.mean(dim=0), atol=1e-6)
    assert torch.allclose(found.feature_covariance, torch.cov(features.T, correction=0), atol=1e-6)
    assert found.accuracy == pytest.approx(right.mean().item())


def test_activation_moments_are_those_of_the_layers_output(make_teacher):
    teacher, data = make_teacher(), coloured_boxes(photos=2)
    found = measure_domain(teacher, NAMES, Prompts(["{}"]), data, [0, 1]).activations["image.ln_post"]
    seen = []
    teacher.image_tower.ln_post.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        teacher.encode_images(teacher.pixels(torch.cat(list(data.ahead([0, 1])))))
    rows = seen[0].reshape(-1, 32).double()
    assert torch.allclose(found.mean, rows.mean(dim=0), atol=1e-5)
    assert torch.allclose(found.variance, rows.var(dim=0, unbiased=False), atol=1e-5)


def test_a_sample_holds_enough_boxes_and_is_the_same_each_time():
    data = coloured_boxes(photos=8, boxes=3)
    chosen = data.sample(boxes=7, seed=1)
    assert chosen == data.sample(boxes=7, seed=1) == sorted(chosen)
    assert len(chosen) == 3
    assert data.sample(boxes=1000, seed=1) == list(range(8))


@pytest.mark.parametrize("towers", ["both", "image"])
def test_tuning_learns_from_several_texts_a_name(make_teacher, towers):
    teacher, raw = make_teacher(), make_teacher()
    prompts = Prompts(["a photo of a {}", "the {}."], {"red": ["red", "crimson"]})
    states = tune(teacher, dataclasses.replace(CONFIG, towers=towers, epochs=6), prompts=prompts)
    assert states[-1].losses[-1] < states[-1].losses[0]
    changed = not torch.equal(teacher.encode_texts(["the red."]), raw.encode_texts(["the red."]))
    assert changed == (towers == "both")
