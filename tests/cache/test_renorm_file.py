"""`renorm.h5` comes back as it was written, byte for byte the same each time."""

import dataclasses
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from ezsd.cache.errors import ArtifactError
from ezsd.cache.index import read_index
from ezsd.cache.renorm_file import CheckRecord, NormLayerRecord, RenormRecord, read_renorm, write_renorm


def layer_of(name: str, tower: str, channels: int) -> NormLayerRecord:
    generator = np.random.default_rng(channels)
    arrays = generator.normal(size=(8, channels)).astype(np.float32)
    return NormLayerRecord(name, tower, *arrays)


def record_of(
    layers: int = 12, dim: int = 4, names: tuple[str, ...] = ("striped fish", "coral_böat")
) -> RenormRecord:
    generator = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return generator.normal(size=shape).astype(np.float32)

    return RenormRecord(
        layers=tuple(
            layer_of(f"ln.{place}", ("image", "text")[place % 2], 3 + place) for place in range(layers)
        ),
        feature_mean_before=draw(dim),
        feature_mean_after=draw(dim),
        feature_covariance_before=draw(dim, dim),
        feature_covariance_after=draw(dim, dim),
        names=names,
        text_embeddings_raw=draw(len(names), dim),
        text_embeddings_renormalized=draw(len(names), dim),
        base_accuracy=np.array([0.1, 0.4, 0.5], np.float32),
        teacher={"architecture": "ViT-B-32", "weights": None, "size": 224},
        protocol="names known",
    )


def assert_same(one: object, other: object) -> None:
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        elif isinstance(a, CheckRecord):
            assert_same(a, b)
        elif field.name == "layers":
            assert len(a) == len(b)
            for mine, theirs in zip(a, b, strict=True):
                assert_same(mine, theirs)
        else:
            assert a == b


def check_of(epochs: int = 2, ways: int = 3) -> CheckRecord:
    shares = np.random.default_rng(1).random((epochs + 1, ways, 3)).astype(np.float32)
    candidates = np.linspace(0.3, 1.0, ways, dtype=np.float32)
    return CheckRecord(("eel", "coral_böat"), (40, 40, 30), candidates, shares, shares / 10, 2, 0.65)


CHECKED = dataclasses.replace(record_of(), check=check_of())


@pytest.mark.parametrize("record", [record_of(), record_of(layers=0, names=()), CHECKED])
def test_round_trip(tmp_path: Path, record: RenormRecord) -> None:
    write_renorm(tmp_path / "renorm.h5", record)
    assert_same(read_renorm(tmp_path / "renorm.h5"), record)


def test_a_check_gives_the_curve_of_the_chosen_interpolation() -> None:
    check = check_of()
    np.testing.assert_array_equal(check.curve, check.accuracy[:, 1])
    assert check.raw == check.accuracy[0, 0].tolist()
    assert check.chosen == check.accuracy[2, 1].tolist()


def test_layers_keep_their_order(tmp_path: Path) -> None:
    write_renorm(tmp_path / "renorm.h5", record_of(layers=120))
    assert [layer.name for layer in read_renorm(tmp_path / "renorm.h5").layers] == [
        f"ln.{i}" for i in range(120)
    ]


def test_the_same_content_is_the_same_bytes_at_another_time(tmp_path: Path) -> None:
    write_renorm(tmp_path / "one.h5", record_of())
    time.sleep(1.1)  # HDF5 counts times in seconds
    write_renorm(tmp_path / "two.h5", record_of())
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"feature_covariance_after": np.zeros((4, 3), np.float32)},
            r"feature_covariance_after must be float32 \(4, 4\)",
        ),
        (
            {"text_embeddings_raw": np.zeros((3, 4), np.float32)},
            r"text_embeddings_raw must be float32 \(2, 4\)",
        ),
        (
            {"check": dataclasses.replace(check_of(), error=np.zeros((3, 2, 3), np.float32))},
            r"check/error must be float32 \(3, 3, 3\)",
        ),
        ({"base_accuracy": np.zeros(3, np.float64)}, "base_accuracy must be float32"),
        ({"layers": (layer_of("ln", "audio", 3),)}, "tower 'audio'; it must be image or text"),
        (
            {"layers": (dataclasses.replace(layer_of("ln", "image", 3), var_after=np.zeros(2, np.float32)),)},
            r"var_after of 'ln' must be float32 \(3,\), but float32 \(2,\)",
        ),
        ({"teacher": {"weights": object()}}, "cannot be written as JSON"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: dict, says: str) -> None:
    with pytest.raises(ArtifactError, match=says):
        write_renorm(tmp_path / "renorm.h5", dataclasses.replace(record_of(), **change))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "renorm.h5"
    with pytest.raises(ArtifactError, match="is missing"):
        read_renorm(path)
    write_renorm(path, record_of())
    with pytest.raises(ArtifactError, match="is not a dataset index but re-normalization record"):
        read_index(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArtifactError, match="truncated or damaged"):
        read_renorm(path)


ONES, ZEROS = np.ones(4, np.float32), np.zeros(4, np.float32)


def moved(
    gamma_before: np.ndarray, beta_before: np.ndarray, gamma_after: np.ndarray, beta_after: np.ndarray
) -> float:
    layer = layer_of("ln", "image", 4)
    return dataclasses.replace(
        layer,
        gamma_before=gamma_before,
        beta_before=beta_before,
        gamma_after=gamma_after,
        beta_after=beta_after,
    ).relative_change


@pytest.mark.parametrize("name", ["base_accuracy", "names", "teacher"])
@pytest.mark.parametrize("value", [b"text", 7], ids=["text", "number"])
def test_a_value_of_another_kind_is_one_sentence(tmp_path: Path, name: str, value: object) -> None:
    path = tmp_path / "renorm.h5"
    write_renorm(path, record_of())
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = value
    with pytest.raises(ArtifactError):
        read_renorm(path)


def test_a_layer_has_moved_by_a_share_of_its_length_before() -> None:
    assert moved(ONES, ZEROS, ONES * 1.5, ZEROS) == pytest.approx(0.5)
    assert moved(ONES, ONES, ONES, ONES * 2) == pytest.approx(np.sqrt(0.5))


def test_a_layer_that_did_not_move_and_one_that_was_nothing() -> None:
    assert moved(ONES, ZEROS, ONES, ZEROS) == 0
    assert moved(ZEROS, ZEROS, ZEROS, ZEROS) == 0
    assert moved(ZEROS, ZEROS, ONES, ZEROS) == float("inf")
