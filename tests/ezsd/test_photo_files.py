"""Photos are found in files, folders, globs and videos, and read one after the other."""

import struct
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from ezsd.errors import InputError
from ezsd.photo_files import NamedPhoto, PhotoFile, count_photos, find_files, read_files

WIDTH, HEIGHT = 64, 48


def save(path: Path, shade: int = 128) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade)).save(path)
    return path


def save_video(path: Path, frames: int = 5) -> Path:
    """Frame n has the shade 40 n, and a white patch in its upper left corner."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(frames):
            pixels = np.full((HEIGHT, WIDTH, 3), 40 * number, np.uint8)
            pixels[:16, :16] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "A.PNG", "deep/c.webp", "deep/er/d.jpg"):
        save(tmp_path / "photos" / name)
    (tmp_path / "photos/notes.txt").write_text("no photo")
    return tmp_path / "photos"


def names_of(files: list[PhotoFile]) -> list[str]:
    return [file.name for file in files]


def read(files: list[PhotoFile], every: int = 1) -> tuple[list[NamedPhoto], list[str]]:
    errors: list[InputError] = []
    return list(read_files(files, every, 2, errors.append)), [str(error) for error in errors]


def test_a_folder_gives_its_photos_in_order(folder: Path) -> None:
    assert names_of(find_files([folder])) == ["A.PNG", "b.jpg"]


def test_a_glob_gives_the_photos_below_where_it_begins(folder: Path) -> None:
    found = find_files([f"{folder}/**/*"])
    assert names_of(found) == ["A.PNG", "b.jpg", "deep/c.webp", "deep/er/d.jpg"]
    assert names_of(find_files([f"{folder}/deep/*/*.jpg"])) == ["er/d.jpg"]


def test_a_relative_glob_begins_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names_of(find_files(["*.jpg"])) == ["b.jpg"]
    assert names_of(find_files(["b.jpg"])) == ["b.jpg"]


def test_names_start_where_all_that_is_given_lies(folder: Path) -> None:
    found = find_files([folder / "deep/er", folder / "b.jpg", folder / "b.jpg"])
    assert names_of(found) == ["deep/er/d.jpg", "b.jpg"]  # each once


def test_a_name_with_brackets_is_a_file_first(tmp_path: Path) -> None:
    save(tmp_path / "a [1].jpg")
    assert names_of(find_files([tmp_path / "a [1].jpg"])) == ["a [1].jpg"]


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    save(tmp_path / "deep/a.jpg")
    with pytest.raises(InputError, match=r"holds no photo: .*give '.*/\*\*/\*'"):
        find_files([tmp_path])
    with pytest.raises(InputError, match=r"no photo or video matches '.*\*\.jpg'"):
        find_files([f"{tmp_path}/*.jpg"])


def test_photos_come_in_order_and_bad_ones_are_passed_to_the_caller(folder: Path) -> None:
    (folder / "a.jpg").write_text("no photo")
    (folder / "c.mp4").write_bytes(b"no video")
    photos, errors = read(find_files([folder, folder / "gone.jpg"]))
    assert [photo.name for photo in photos] == ["A.PNG", "b.jpg"]
    assert photos[0].pixels.shape == (3, HEIGHT, WIDTH) and photos[0].frame is None
    assert len(errors) == 3
    assert "a.jpg: not a photo" in errors[0] and "c.mp4 cannot be read" in errors[1]
    assert "gone.jpg cannot be read" in errors[2]


def test_frames_of_a_video_have_names_and_numbers(tmp_path: Path) -> None:
    files = find_files([save_video(tmp_path / "clip.mp4")])
    photos, errors = read(files, every=2)
    assert not errors and count_photos(files, 2) == 3
    assert [photo.name for photo in photos] == [f"clip_00000{number}.png" for number in (0, 2, 4)]
    assert [photo.frame for photo in photos] == [0, 2, 4]
    for photo in photos:
        middle = photo.pixels[:, HEIGHT // 2, WIDTH // 2].float().mean()
        assert abs(middle - 40 * photo.frame) < 8


def test_a_video_is_turned_as_it_is_shown(tmp_path: Path) -> None:
    path = save_video(tmp_path / "clip.mp4", frames=1)
    data = path.read_bytes()
    matrix = data.index(b"tkhd") + 4 + 40  # after version, flags, times, id, duration, layer and volume
    clockwise = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, HEIGHT << 16, 0, 1 << 30)
    path.write_bytes(data[:matrix] + clockwise + data[matrix + 36 :])
    ((photo,), _) = read(find_files([path]))
    assert photo.pixels.shape == (3, WIDTH, HEIGHT)
    assert photo.pixels[:, :14, -14:].float().mean() > 240  # the upper left is now the upper right
    assert photo.pixels[:, :14, :14].float().mean() < 20


def test_a_video_that_lists_other_files_opens_none(tmp_path: Path) -> None:
    save_video(tmp_path / "secret.mp4")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nsecret.mp4\n")
    photos, errors = read(find_files([tmp_path / "list.mp4"]))
    assert not photos and "list.mp4 cannot be read" in errors[0]


def test_without_the_package_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = find_files([save_video(tmp_path / "clip.mkv")])
    monkeypatch.setitem(sys.modules, "av", None)
    assert "pip install 'ezsd[video]'" in read(files)[1][0]


def test_few_photos_are_in_memory_at_once(tmp_path: Path) -> None:
    files = [PhotoFile(save(tmp_path / f"{number}.png"), f"{number}.png") for number in range(20)]
    taken: list[str] = []

    def given() -> "list[PhotoFile]":
        for file in files:
            taken.append(file.name)
            yield file

    for number, photo in enumerate(read_files(given(), 1, 3, lambda error: None), start=1):
        assert isinstance(photo.pixels, torch.Tensor)
        assert len(taken) <= number + 3
    assert len(taken) == 20
