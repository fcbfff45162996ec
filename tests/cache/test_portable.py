"""Artifacts in one file: the same bytes come back, and nothing else does."""

import hashlib
import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from support.filled_stores import tree

from ezsd.cache import manifest, portable, writing
from ezsd.cache.atomic import find_leftovers, json_bytes
from ezsd.cache.errors import ArtifactError
from ezsd.cache.portable import export_artifacts, open_portable
from ezsd.cache.verify import verify

FILES = {
    "index.h5": b"\x00\x01" * 700,
    "empty.json": b"",
    "proposals.zarr/boxes/c/0/0": bytes(range(256)) * 9,
}
INPUTS = {"params": {"mine.keep": 3}}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return make_artifact(tmp_path / "here" / "mine")


@pytest.fixture
def exported(made: Path, tmp_path: Path) -> Path:
    export_artifacts(tmp_path / "out.h5", {"mine": made}, lambda size: None)
    return tmp_path / "out.h5"


def make_artifact(folder: Path) -> Path:
    writing.begin(folder, "mine", INPUTS)
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    writing.publish(folder, {"photos": 3}, {"protocol": "strict"})
    return folder


def import_all(path: Path, folder: Path) -> None:
    with open_portable(path) as file:
        file.import_into("mine", folder, lambda size: None)


def test_every_file_comes_back_byte_for_byte(made: Path, exported: Path, tmp_path: Path, monkeypatch) -> None:
    for module in ("ezsd.cache.contents", "ezsd.cache.portable"):
        monkeypatch.setattr(f"{module}.PIECE", 1000)  # files of several pieces
    heard: list[int] = []
    export_artifacts(tmp_path / "again.h5", {"mine": made}, heard.append)
    assert (tmp_path / "again.h5").read_bytes() == exported.read_bytes()
    assert sum(heard) == sum(map(len, FILES.values())) and max(heard) == 1000
    import_all(exported, tmp_path / "there")
    assert tree(tmp_path / "there") == tree(made)
    assert manifest.is_current(tmp_path / "there", INPUTS)


def test_it_replaces_an_earlier_artifact(exported: Path, made: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    writing.begin(there, "mine", {"other": 1})
    (there / "old").write_bytes(b"old")
    writing.publish(there, {}, {})
    import_all(exported, there)
    assert tree(there) == tree(made)


def test_an_interrupted_import_goes_on(exported: Path, made: Path, tmp_path: Path, monkeypatch) -> None:
    there, heard = tmp_path / "there", []

    def stop(size: int) -> None:
        heard.append(size)
        if len(heard) == 2:
            raise KeyboardInterrupt

    with open_portable(exported) as file, pytest.raises(KeyboardInterrupt):
        file.import_into("mine", there, stop)
    assert not list(find_leftovers(there))
    with pytest.raises(ArtifactError, match="incomplete"):
        manifest.read_manifest(there)
    first = {path: path.stat().st_mtime_ns for path in there.rglob("*.h5")}
    import_all(exported, there)
    assert tree(there) == tree(made)
    assert first and all(path.stat().st_mtime_ns == changed for path, changed in first.items())


@pytest.mark.parametrize("keep", [0, 10, 700, 3000])
def test_a_truncated_file_is_refused(exported: Path, tmp_path: Path, keep: int) -> None:
    exported.write_bytes(exported.read_bytes()[:keep])
    with pytest.raises(ArtifactError, match=r"truncated or damaged; export or copy it again"):
        import_all(exported, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    h5py.File(tmp_path / "foreign.h5", "w").close()
    with pytest.raises(ArtifactError, match="is not an export of artifacts"):
        import_all(tmp_path / "foreign.h5", tmp_path / "there")
    with pytest.raises(ArtifactError, match="is missing"):
        import_all(tmp_path / "nothing.h5", tmp_path / "there")


def test_a_flipped_byte_is_refused(exported: Path, tmp_path: Path) -> None:
    data = exported.read_bytes()
    place = data.index(FILES["proposals.zarr/boxes/c/0/0"]) + 5
    exported.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with pytest.raises(ArtifactError, match="boxes/c/0/0 does not agree with its manifest"):
        import_all(exported, tmp_path / "there")
    with pytest.raises(ArtifactError, match="incomplete"):
        manifest.read_manifest(tmp_path / "there")


def claim(files: dict[str, bytes]) -> bytes:
    """A manifest, right in itself, of these files."""
    records = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
    }
    return json_bytes(
        {
            "schema": manifest.SCHEMA,
            "stage": "mine",
            "fingerprint": manifest.fingerprint("mine", INPUTS),
            "inputs": INPUTS,
            "counts": {},
            "facts": {},
            "files": records,
        }
    )


@contextmanager
def forged(path: Path, files: dict[str, bytes]) -> Iterator[h5py.Group]:
    """A file with a manifest of the given files, and without the files."""
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["schema"] = portable.KIND, portable.SCHEMA
        group = file.create_group("mine")
        group.create_dataset("manifest.json", data=np.frombuffer(claim(files), np.uint8))
        yield group


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/../../escaped", "a//b", "./a", "a\\b", ""])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with forged(tmp_path / "bad.h5", {name: b"x"}):
        pass
    with pytest.raises(ArtifactError, match="the file is foreign"):
        import_all(tmp_path / "bad.h5", tmp_path / "there")
    assert not (tmp_path / "escaped").exists() and not (tmp_path / "there").exists()


@pytest.mark.parametrize("mark", ["location.json", "manifest.json", "incomplete.json"])
@pytest.mark.parametrize("form", ["{}", "{}/0"])
def test_a_mark_among_the_files_is_refused(tmp_path: Path, mark: str, form: str) -> None:
    for name in (form.format(mark), form.format(mark.title())):
        with forged(tmp_path / "bad.h5", {name: b"x"}):
            pass
        with pytest.raises(ArtifactError, match=f"names '{name}', which is not part of an artifact: "):
            import_all(tmp_path / "bad.h5", tmp_path / "there")
        assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    "name",
    [f".a.{'0' * 32}.part", f"a/.b.{'f' * 32}.part", "a/" * 5000 + "b", "x" * 300, "a\nb", "\ud800"],
)
def test_a_name_that_no_stage_gives_is_refused(tmp_path: Path, name: str) -> None:
    with forged(tmp_path / "bad.h5", {}) as group:
        del group["manifest.json"]
        made = json.loads(claim({"replaced": b"x"}))
        made["files"] = {name: made["files"]["replaced"]}
        group.create_dataset("manifest.json", data=np.frombuffer(json.dumps(made).encode(), np.uint8))
    with pytest.raises(ArtifactError, match="which no stage writes: the file is foreign"):
        import_all(tmp_path / "bad.h5", tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("size", ["Infinity", "1e999", "-1", "NaN", "9" * 5000])
def test_an_impossible_size_is_refused(tmp_path: Path, size: str) -> None:
    with forged(tmp_path / "bad.h5", {}) as group:
        del group["manifest.json"]
        text = claim({"a": b"12345"}).replace(b'"bytes": 5', f'"bytes": {size}'.encode())
        group.create_dataset("manifest.json", data=np.frombuffer(text, np.uint8))
    with pytest.raises(ArtifactError, match="damaged"):
        import_all(tmp_path / "bad.h5", tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("chunks", [None, 1 << 20])
@pytest.mark.parametrize("name", ["a", "manifest.json"])
def test_a_dataset_larger_than_the_file_is_neither_read_nor_written(
    tmp_path: Path, chunks: int | None, name: str
) -> None:
    size = 20 << 30
    with forged(tmp_path / "bad.h5", {}) as group:
        del group["manifest.json"]
        text = claim({"a": b"12345"}).replace(b'"bytes": 5', f'"bytes": {size}'.encode())
        if name == "a":
            group.create_dataset("manifest.json", data=np.frombuffer(text, np.uint8))
        group.create_dataset(
            name, shape=(size,), dtype=np.uint8, chunks=None if chunks is None else (chunks,)
        )
    with pytest.raises(ArtifactError, match="foreign"):
        import_all(tmp_path / "bad.h5", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_what_the_disk_cannot_hold_is_not_begun(exported: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(portable, "disk_usage", lambda place: SimpleNamespace(free=100))
    with pytest.raises(ArtifactError, match=r"mine takes 3,704 bytes, but .* has 100 left"):
        import_all(exported, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def soft_link(group: h5py.Group, secret: Path) -> None:
    group["a"] = h5py.SoftLink("/mine/manifest.json")


def external_link(group: h5py.Group, secret: Path) -> None:
    group["a"] = h5py.ExternalLink(str(secret), "/data")


def external_storage(group: h5py.Group, secret: Path) -> None:
    group.create_dataset("a", shape=(6,), dtype=np.uint8, external=[(str(secret), 0, 6)])


def virtual(group: h5py.Group, secret: Path) -> None:
    layout = h5py.VirtualLayout(shape=(6,), dtype=np.uint8)
    layout[:] = h5py.VirtualSource(str(secret), "data", shape=(6,))
    group.create_virtual_dataset("a", layout)


@pytest.mark.parametrize("leak", [soft_link, external_link, external_storage, virtual])
def test_no_other_file_is_read_through_it(tmp_path: Path, leak: Callable[[h5py.Group, Path], None]) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    with forged(tmp_path / "bad.h5", {"a": b"secret"}) as group:
        leak(group, secret)
    with pytest.raises(ArtifactError, match="foreign"):
        import_all(tmp_path / "bad.h5", tmp_path / "there")
    assert not (tmp_path / "there" / "a").exists()


def test_an_artifact_under_another_name_is_refused(made: Path, tmp_path: Path) -> None:
    export_artifacts(tmp_path / "out.h5", {"embed": made}, lambda size: None)
    with open_portable(tmp_path / "out.h5") as file, pytest.raises(ArtifactError, match="is that of 'mine'"):
        file.import_into("embed", tmp_path / "there", lambda size: None)


def test_a_damaged_artifact_is_not_exported(made: Path, tmp_path: Path) -> None:
    (made / "index.h5").write_bytes(b"\x00\x02" * 700)
    with pytest.raises(ArtifactError, match=r"index\.h5 is damaged"):
        export_artifacts(tmp_path / "out.h5", {"mine": made}, lambda size: None)
    assert not (tmp_path / "out.h5").exists() and not list(find_leftovers(tmp_path))
    assert verify(made, fix="") != []


@pytest.mark.parametrize("room", [0, 500, 2000, 5000])
def test_a_disk_that_takes_no_more_leaves_nothing(made: Path, tmp_path: Path, room: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(ArtifactError, match=r"cannot write .*out\.h5"):
            export_artifacts(tmp_path / "out.h5", {"mine": made}, lambda size: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "out.h5").exists() and not list(find_leftovers(tmp_path))
    assert json.loads((made / "manifest.json").read_bytes())["stage"] == "mine"


def test_what_a_killed_export_left_is_removed_by_the_next(made: Path, tmp_path: Path) -> None:
    left = tmp_path / f".out.h5.{'0' * 32}.part"
    others = [tmp_path / f".other.h5.{'0' * 32}.part", tmp_path / ".out.h5.mine.part"]
    for path in (left, *others):
        path.write_bytes(b"half")
    export_artifacts(tmp_path / "out.h5", {"mine": made}, lambda size: None)
    assert not left.exists() and all(path.exists() for path in others)
