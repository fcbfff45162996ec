"""`renorm.h5`: what re-normalization changed in the teacher and its features."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ezsd.cache.errors import ArtifactError
from ezsd.cache.hdf5 import Hdf5Reader, Hdf5Writer, open_hdf5

_KIND = "re-normalization record"
_TOWERS = ("image", "text")


@dataclass(frozen=True)
class NormLayerRecord:
    """One norm layer of C channels; every array is float32 (C,).

    Attributes:
        name: the module's path in its tower.
        tower: "image" or "text".
        gamma_before, gamma_after, beta_before, beta_after: weight and bias before and after tuning.
        mean_before, mean_after, var_before, var_after: of the layer's output on the target domain, per
            channel, with the teacher before and after.
    """

    name: str
    tower: str
    gamma_before: np.ndarray
    beta_before: np.ndarray
    gamma_after: np.ndarray
    beta_after: np.ndarray
    mean_before: np.ndarray
    var_before: np.ndarray
    mean_after: np.ndarray
    var_after: np.ndarray

    @property
    def relative_change(self) -> float:
        """Length of the move of (gamma, beta) over their length before; 0 when nothing moved.

        Infinite if the parameters were all 0 and moved.
        """
        before = np.concatenate([self.gamma_before, self.beta_before]).astype(np.float64)
        after = np.concatenate([self.gamma_after, self.beta_after]).astype(np.float64)
        moved, length = float(np.linalg.norm(after - before)), float(np.linalg.norm(before))
        if moved == 0:
            return 0.0
        return moved / length if length else float("inf")


@dataclass(frozen=True)
class CheckRecord:
    """A probe that was not tuned on some base names and photos; E epochs, W interpolations.

    The last axis of the arrays has three kinds: boxes of held-back names among all base names, the same among
    the held-back names alone, and boxes of other names in held-back photos among all base names.

    Attributes:
        held_back_names: names.
        boxes: number of boxes that were measured, by kind.
        ways: float32 (W,), candidates for the way from the raw (0) to the tuned (1) norm layers.
        accuracy: float32 (E + 1, W, 3) in 0..1; entry 0 is the raw teacher.
        error: float32 (E + 1, W, 3), standard error of the difference from the raw teacher.
        epoch: the chosen one, 1 to E.
        way: the chosen one.
    """

    held_back_names: tuple[str, ...]
    boxes: tuple[int, ...]
    ways: np.ndarray
    accuracy: np.ndarray
    error: np.ndarray
    epoch: int
    way: float

    @property
    def raw(self) -> list[float]:
        """Accuracy of the raw teacher by kind."""
        return [float(share) for share in self.accuracy[0, 0]]

    @property
    def chosen(self) -> list[float]:
        """Accuracy of the chosen candidate by kind."""
        return [float(share) for share in self.curve[self.epoch]]

    @property
    def chosen_error(self) -> list[float]:
        """Standard error of the chosen candidate's difference from the raw teacher, by kind."""
        return [float(error) for error in self.error[self.epoch, self._column]]

    @property
    def curve(self) -> np.ndarray:
        """float32 (E + 1, 3): accuracy by epoch, with the chosen interpolation."""
        curve: np.ndarray = self.accuracy[:, self._column]
        return curve

    @property
    def _column(self) -> int:
        return int(np.abs(self.ways - self.way).argmin())


@dataclass(frozen=True)
class RenormRecord:
    """All of one re-normalization; D is the embedding dimension, C the number of names, E of epochs.

    Attributes:
        layers: in the towers' module order.
        feature_mean_before, feature_mean_after: float32 (D,), of L2-normalised embeddings of base boxes.
        feature_covariance_before, feature_covariance_after: float32 (D, D), of the same.
        names: C names.
        text_embeddings_raw, text_embeddings_renormalized: float32 (C, D), L2-normalised.
        base_accuracy: float32 (E + 1,) in 0..1, on base boxes; entry 0 is before tuning.
        teacher: plain values that identify the teacher.
        protocol: "names known" or "strict".
        check: None if there was no probe.
    """

    layers: tuple[NormLayerRecord, ...]
    feature_mean_before: np.ndarray
    feature_mean_after: np.ndarray
    feature_covariance_before: np.ndarray
    feature_covariance_after: np.ndarray
    names: tuple[str, ...]
    text_embeddings_raw: np.ndarray
    text_embeddings_renormalized: np.ndarray
    base_accuracy: np.ndarray
    teacher: Mapping[str, Any]
    protocol: str
    check: CheckRecord | None = None


_LAYER_ARRAYS = tuple(field.name for field in fields(NormLayerRecord) if field.name not in ("name", "tower"))
_ARRAYS = tuple(field.name for field in fields(RenormRecord) if field.type is np.ndarray)
_CHECK_ARRAYS = tuple(field.name for field in fields(CheckRecord) if field.type is np.ndarray)
_CHECK_KINDS = 3


def write_renorm(path: Path, record: RenormRecord) -> None:
    """Write the record as one HDF5 file, the same bytes for the same content.

    Raises:
        ArtifactError: the arrays do not fit each other, or the disk is full or refuses.
    """
    _check(record)
    writer = Hdf5Writer(_KIND)
    writer.put_json("teacher", dict(record.teacher))
    writer.put_json("protocol", record.protocol)
    writer.put_texts("names", record.names)
    for name in _ARRAYS:
        writer.put(name, getattr(record, name))
    writer.put_texts("layers/names", [layer.name for layer in record.layers])
    writer.put_texts("layers/towers", [layer.tower for layer in record.layers])
    for place, layer in enumerate(record.layers):
        for name in _LAYER_ARRAYS:
            writer.put(f"layers/{place:04d}/{name}", getattr(layer, name))
    _put_check(writer, record.check)
    writer.publish(path)


def read_renorm(path: Path) -> RenormRecord:
    """Read what `write_renorm` wrote. Raises ArtifactError when it is missing, damaged or foreign."""
    with open_hdf5(path, _KIND) as reader:
        record = RenormRecord(
            layers=_read_layers(reader),
            names=tuple(reader.get_texts("names")),
            teacher=reader.get_json("teacher"),
            protocol=reader.get_json("protocol"),
            check=_read_check(reader),
            **{name: reader.get(name) for name in _ARRAYS},
        )
        _check(record)
        return record


def _read_layers(reader: Hdf5Reader) -> tuple[NormLayerRecord, ...]:
    labels = zip(reader.get_texts("layers/names"), reader.get_texts("layers/towers"), strict=True)
    return tuple(
        NormLayerRecord(
            layer, tower, **{name: reader.get(f"layers/{place:04d}/{name}") for name in _LAYER_ARRAYS}
        )
        for place, (layer, tower) in enumerate(labels)
    )


def _put_check(writer: Hdf5Writer, check: CheckRecord | None) -> None:
    plain = ("held_back_names", "boxes", "epoch", "way")
    writer.put_json("check/choice", None if check is None else {name: getattr(check, name) for name in plain})
    for name in _CHECK_ARRAYS if check is not None else ():
        writer.put(f"check/{name}", getattr(check, name))


def _read_check(reader: Hdf5Reader) -> CheckRecord | None:
    plain = reader.get_json("check/choice")
    if plain is None:
        return None
    return CheckRecord(
        held_back_names=tuple(plain["held_back_names"]),
        boxes=tuple(plain["boxes"]),
        epoch=plain["epoch"],
        way=plain["way"],
        **{name: reader.get(f"check/{name}") for name in _CHECK_ARRAYS},
    )


def _check(record: RenormRecord) -> None:
    dim, count = len(record.feature_mean_before), len(record.names)
    shapes = {
        "feature_mean_before": (dim,),
        "feature_mean_after": (dim,),
        "feature_covariance_before": (dim, dim),
        "feature_covariance_after": (dim, dim),
        "text_embeddings_raw": (count, dim),
        "text_embeddings_renormalized": (count, dim),
        "base_accuracy": (len(record.base_accuracy),),
    }
    for name, shape in shapes.items():
        _check_array(name, getattr(record, name), shape)
    if (check := record.check) is not None:
        shape = (len(check.accuracy), len(check.ways), _CHECK_KINDS)
        _check_array("check/accuracy", check.accuracy, shape)
        _check_array("check/error", check.error, shape)
    for layer in record.layers:
        if layer.tower not in _TOWERS:
            raise ArtifactError(
                f"norm layer {layer.name!r} is in tower {layer.tower!r}; it must be image or text"
            )
        for name in _LAYER_ARRAYS:
            _check_array(f"{name} of {layer.name!r}", getattr(layer, name), (len(layer.gamma_before),))


def _check_array(what: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        raise ArtifactError(f"{what} must be float32 {shape}, but {array.dtype} {array.shape} came")
