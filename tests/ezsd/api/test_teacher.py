"""A teacher by name, re-normalized on coloured boxes, and mining with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

import ezsd
from ezsd.renorm.norm_layers import find_norm_layers, interpolate_norms, norm_state
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.name_embeddings import embed_names

NAMES = ("red", "green", "blue")
BOXES = [[4.0, 4, 28, 28], [34, 6, 60, 40]]
QUICK = ezsd.RenormConfig(epochs=8, photos_per_step=2, learning_rate=1e-2, loss="softmax")


def coloured(labels: list[int]) -> Image.Image:
    """64 x 48, with a box of `BOXES` in the colour of each label."""
    photo = Image.new("RGB", (64, 48), "grey")
    for box, label in zip(BOXES, labels, strict=False):
        ImageDraw.Draw(photo).rectangle(box, fill=NAMES[label])
    return photo


def norms_of(teacher: ezsd.Teacher) -> dict[str, torch.Tensor]:
    return norm_state(find_norm_layers(teacher, "both"))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def accuracy(teacher: ezsd.Teacher, photos: list[Image.Image], labels: list[list[int]]) -> float:
    with torch.inference_mode():
        text = embed_names(teacher, NAMES, ezsd.Prompts())
    encoder = BoxEncoder(teacher, batch=8)
    right = [
        encoder.encode(torch.from_numpy(np.array(photo)).permute(2, 0, 1), torch.tensor(BOXES), 1.2) @ text.T
        for photo in photos
    ]
    return float((torch.cat(right).argmax(dim=1) == torch.tensor(labels).flatten()).float().mean())


LABELS = [[0, 1], [1, 2], [2, 0], [1, 0], [2, 1], [0, 2]]


def test_the_bundled_teacher_needs_no_weights() -> None:
    teacher = ezsd.load_teacher("world-teacher", device="cpu")
    assert isinstance(teacher, ezsd.Teacher) and teacher.image_size == 64 and teacher.dim == 64


def test_a_config_file_with_random_weights(tmp_path: Path, tiny_config_text: str) -> None:
    (tmp_path / "tiny.json").write_text(tiny_config_text)
    assert ezsd.load_teacher(str(tmp_path / "tiny.json"), "random").dim == 16


@pytest.mark.parametrize(
    ("model", "weights", "message"),
    [
        ("ViT-B-32", None, "ViT-B-32 needs weights"),
        ("ViT-B-32", "nobody", "knows no weights 'nobody' of ViT-B-32: it knows openai"),
        ("ViT-B-32", "nowhere.safetensors", "nowhere.safetensors does not exist"),
        ("nowhere.json", "random", "nowhere.json cannot be read"),
        ("ViT-Z-99", "random", "no architecture 'ViT-Z-99'"),
        ("nowhere:make", None, "'nowhere:make': the module cannot be imported"),
    ],
)
def test_what_is_not_there_is_named(model: str, weights: str | None, message: str) -> None:
    with pytest.raises(ezsd.InputError, match=message) as error:
        ezsd.load_teacher(model, weights)
    assert "teacher." not in str(error.value)


def test_renormalizing_gives_a_better_copy_and_leaves_the_teacher(tiny_teacher: ezsd.Teacher) -> None:
    photos = [coloured(labels) for labels in LABELS]
    before = norms_of(tiny_teacher)
    tuned = ezsd.renormalize(tiny_teacher, photos, [BOXES] * 6, LABELS, NAMES, config=QUICK)
    assert same(norms_of(tiny_teacher), before) and not same(norms_of(tuned), before)
    assert accuracy(tuned, photos, LABELS) > accuracy(tiny_teacher, photos, LABELS)
    assert not any(one.requires_grad for one in tuned.image_tower.parameters())


def test_every_form_of_photos_and_boxes_gives_the_same_bytes(
    tiny_teacher: ezsd.Teacher, tmp_path: Path
) -> None:
    images = [coloured(labels) for labels in LABELS]
    for number, image in enumerate(images):
        image.save(tmp_path / f"{number}.png")
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    one = ezsd.renormalize(tiny_teacher, images, [BOXES] * 6, LABELS, NAMES, config=QUICK)
    boxes = [np.array(BOXES), torch.tensor(BOXES), *[BOXES] * 4, []]
    labels = [np.array(LABELS[0]), torch.tensor(LABELS[1]), *LABELS[2:], []]
    other = ezsd.renormalize(tiny_teacher, [*paths, paths[0]], boxes, labels, NAMES, config=QUICK)
    assert same(norms_of(one), norms_of(other))


def test_tuned_norms_can_be_loaded_from_a_file(tmp_path: Path) -> None:
    teacher = ezsd.load_teacher("world-teacher", device="cpu")
    norms = {name: value + 0.5 for name, value in norms_of(teacher).items()}
    save_file(norms, tmp_path / "norms.safetensors")
    loaded = ezsd.load_teacher("world-teacher", norms=tmp_path / "norms.safetensors", device="cpu")
    assert same(norms_of(loaded), norms)
    with pytest.raises(ezsd.InputError, match="missing or damaged"):
        ezsd.load_teacher("world-teacher", norms=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("boxes", "labels", "message"),
    [
        ([BOXES], [[0, 1], [1, 2]], "boxes and labels must be of one length, got 1 and 2"),
        ([[], []], [[], []], "no box"),
        ([BOXES, [[1.0, 2, 3]]], [[0, 1], [0]], r"boxes of photo 1: .*\(N, 4\), got \(1, 3\)"),
        ([BOXES, [[9.0, 0, 2, 5]]], [[0, 1], [0]], "boxes of photo 1: a box has x1 <= x0"),
        ([BOXES, BOXES], [[0, 1], [0, 3]], r"labels of photo 1 must lie in 0\.\.2"),
        ([BOXES, BOXES], [[0, 1], [0]], r"labels of photo 1 must have shape \(2,\)"),
    ],
)
def test_unusable_boxes_and_labels_are_named(
    tiny_teacher: ezsd.Teacher, boxes: list, labels: list, message: str
) -> None:
    with pytest.raises(ezsd.InputError, match=message):
        ezsd.renormalize(tiny_teacher, [coloured([0, 1])] * 2, boxes, labels, NAMES)


def test_statistics_change_the_image_tower_alone_and_none_changes_nothing(tiny_teacher: ezsd.Teacher) -> None:
    photos = [coloured(labels) for labels in LABELS]
    before = norms_of(tiny_teacher)
    for method, changed in {"statistics": {"image"}, "none": set()}.items():
        config = ezsd.RenormConfig(method=method)
        after = norms_of(ezsd.renormalize(tiny_teacher, photos, [BOXES] * 6, LABELS, NAMES, config=config))
        assert {
            name.split(".")[0] for name in before if not torch.equal(before[name], after[name])
        } == changed


def test_a_check_chooses_how_far_to_go(tiny_teacher: ezsd.Teacher) -> None:
    photos = [coloured(labels) for labels in LABELS]
    check = ezsd.CheckConfig(held_back=0.4, ways=(0.25, 1.0))

    def tuned(**changes: object) -> dict[str, torch.Tensor]:
        config = replace(QUICK, **changes)
        return norms_of(ezsd.renormalize(tiny_teacher, photos, [BOXES] * 6, LABELS, NAMES, config=config))

    checked, before = tuned(check=check), norms_of(tiny_teacher)
    every = {
        (epochs, way): interpolate_norms(before, tuned(epochs=epochs), way)
        for epochs in range(1, QUICK.epochs + 1)
        for way in check.ways
    }
    assert any(same(checked, candidate) for candidate in every.values())
