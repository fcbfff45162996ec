"""Where the data are; photos are read below their folder, and nothing else is."""

import os
from pathlib import Path

import pytest
from PIL import Image

from ezsd.pipeline.data.sources import PhotoFileError, PhotoFolder, photo_digest, resolve_sources
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import parse_params, preset_text


@pytest.fixture
def folder(tiny_dataset):
    """The training photos, with a secret beside the folder."""
    (tiny_dataset.folder / "secret.jpg").write_bytes((tiny_dataset.photos("train") / "a.jpg").read_bytes())
    return PhotoFolder(tiny_dataset.photos("train"))


def test_reads_the_bytes_and_the_pixels(folder):
    data = folder.read("sub/c.png")
    assert data == (folder.root / "sub" / "c.png").read_bytes()
    assert folder.byte_size("sub/c.png") == len(data)
    assert tuple(folder.decode("a.jpg", (48, 64)).shape) == (3, 64, 48)


@pytest.mark.parametrize("name", ["../secret.jpg", "sub/../../secret.jpg", "/etc/hostname", "a\0.jpg"])
def test_a_name_that_leads_out_is_refused(folder, name):
    for act in (folder.read, folder.byte_size):
        with pytest.raises(DataError, match="the file name"):
            act(name)


def test_a_link_that_leads_out_is_refused_unless_the_folder_is_our_own(folder):
    os.symlink(folder.root.parent / "secret.jpg", folder.root / "link.jpg")
    with pytest.raises(DataError, match=r"link\.jpg .* is a link that leads out"):
        folder.read("link.jpg")
    assert PhotoFolder(folder.root, follow_links=True).read("link.jpg") == folder.read("a.jpg")


def test_links_within_the_folder_and_to_the_folder_are_followed(folder):
    os.symlink("a.jpg", folder.root / "again.jpg")
    os.symlink(folder.root, folder.root.parent / "elsewhere")
    assert PhotoFolder(folder.root.parent / "elsewhere").read("again.jpg") == folder.read("a.jpg")


@pytest.mark.parametrize("name", ["absent.jpg", "sub"])
def test_what_is_no_file_is_named(folder, name):
    with pytest.raises(PhotoFileError, match=f"photo {name} in .*: there is no such file") as error:
        folder.read(name)
    assert str(folder.root) not in error.value.reason
    assert folder.byte_size(name) is None


def test_a_corrupt_photo_is_named(folder):
    (folder.root / "a.jpg").write_bytes(b"no photo")
    with pytest.raises(PhotoFileError, match=r"photo a\.jpg in .*: not a photo"):
        folder.decode("a.jpg", (48, 64))


@pytest.mark.parametrize("name", ["x" * 256 + ".jpg", "a/" * 5000 + "a.jpg", "\ud800.jpg"])
def test_a_name_that_no_file_can_have_is_refused(folder, name):
    for act in (folder.read, folder.byte_size):
        with pytest.raises(DataError, match="the file name"):
            act(name)


def test_a_path_that_is_too_long_is_a_missing_file(folder):
    with pytest.raises(PhotoFileError, match="there is no such file"):
        folder.read("/".join(["x" * 250] * 20))


def test_relative_paths_start_at_the_params_folder(tiny_dataset):
    data = tiny_dataset.params("data.train_photos=photos").data
    assert resolve_sources(data, Path("/runs/one"), Path("x")).train.photos == Path("/runs/one/photos")


def test_the_world_is_in_the_prepared_folder():
    sources = resolve_sources(parse_params(preset_text("demo")).data, Path("/runs"), Path("/runs/p"))
    assert sources.val.annotations == Path("/runs/p/world/annotations/instances_val.json")
    assert sources.of("val").photos == Path("/runs/p/world/val")


def test_a_photo_folder_that_is_not_there(tiny_dataset):
    data = tiny_dataset.params("data.val_photos=absent").data
    with pytest.raises(DataError, match=r"photo folder .*absent does not exist"):
        resolve_sources(data, Path("/runs"), Path("x")).val.folder()


def test_a_photo_is_refused_after_its_bytes_changed(folder):
    digest = photo_digest(folder.read("a.jpg"))
    assert folder.decode_unchanged("a.jpg", (48, 64), digest).equal(folder.decode("a.jpg", (48, 64)))
    Image.new("RGB", (48, 64)).save(folder.root / "a.jpg")
    with pytest.raises(PhotoFileError, match=r"photo a\.jpg in .* is not the photo that prepare checked"):
        folder.decode_unchanged("a.jpg", (48, 64), digest)
