"""Digests of the numbers that a run computed: `python -m benchmarks.digests RUN`.

Refactoring must not change numbers: write the digests with `--out FILE` before, compare with `--against FILE`
after. Digests are of values, not of files: manifests and the layout of tables may change, but boxes, scores,
embeddings, weights and metrics stay the same to the last bit.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import h5py
import numpy as np
import typer
from safetensors.numpy import load_file

from ezsd.cache.artifacts import Embedded, Mined
from ezsd.cache.sharded import ShardedStore


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run: that of its params.yaml.")],
    against: Annotated[Path | None, typer.Option(help="Digests of another run, to compare with.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the digests.")] = None,
) -> None:
    """Print the digests of a run, or what differs from another's."""
    found = dict(sorted(run_digests(run / "artifacts")))
    text = json.dumps(found, indent=1) + "\n"
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if against is None:
        print(text, end="")
        return
    wanted = json.loads(against.read_text(encoding="utf-8"))
    differing = [name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]
    for name in differing:
        print(f"{name}: {_state(wanted.get(name))} -> {_state(found.get(name))}")
    print(f"{len(wanted.keys() - set(differing))} of {len(wanted)} digests agree")
    raise typer.Exit(bool(differing))


def run_digests(artifacts: Path) -> Iterator[tuple[str, str]]:
    """Yield `stage/what` and the digest of each array, weight and table of the existing artifacts."""
    for path in sorted(artifacts.glob("*/*.h5")):
        yield from _hdf5(path)
    for path in sorted(artifacts.glob("*/*.safetensors")):
        yield from ((f"{_label(path)}/{name}", _digest(values)) for name, values in load_file(path).items())
    for stage, made in (("mine", Mined(artifacts / "mine")), ("embed", Embedded(artifacts / "embed"))):
        if made.folder.is_dir():
            yield from _store(stage, made.store)
    for path in sorted((artifacts / "evaluate").glob("*.json")):
        if path.name != "manifest.json":
            yield _label(path), hashlib.sha256(path.read_bytes()).hexdigest()
    history = artifacts / "train" / "history.csv"
    if history.is_file():
        yield _label(history), hashlib.sha256(history.read_bytes()).hexdigest()


def _hdf5(path: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def note(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            values = node.asstr()[()] if h5py.check_string_dtype(node.dtype) else node[()]
            found.append((f"{_label(path)}/{name}", _digest(np.asarray(values))))

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


def _store(stage: str, store: ShardedStore) -> Iterator[tuple[str, str]]:
    for name in store.layout.arrays:
        digest = hashlib.sha256()
        for shard in range(store.shards):
            digest.update(np.ascontiguousarray(store.read_shard(shard, [name])[name]).tobytes())
        yield f"{stage}/{name}", digest.hexdigest()


def _digest(values: np.ndarray) -> str:
    if values.dtype.kind in "OSU":
        return hashlib.sha256(json.dumps(np.asarray(values, dtype=str).tolist()).encode()).hexdigest()
    head = f"{values.dtype}{values.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _state(digest: str | None) -> str:
    return "missing" if digest is None else digest[:12]


if __name__ == "__main__":
    typer.run(main)
