"""`inspect proposals`: from the artifacts to a folder of pages."""

import json
from pathlib import Path

import pytest
from support.teacher_runs import colour_params, file_bytes

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.runner import artifact_folder
from ezsd.stages.pages.proposals import browser
from ezsd.stages.pages.proposals.browser import Extent, crop_views, write_browser
from ezsd.stages.pages.proposals.page import BrowserFolder


@pytest.fixture
def root(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Artifacts whose manifests are read, but whose inputs are not compared."""
    monkeypatch.setattr(
        browser,
        "require_current",
        lambda _, name, __, root: read_manifest(artifact_folder(root, name)),
    )
    (tmp_path / "artifacts").mkdir()
    for name in (
        "photos",
        "tiny.json",
        *(f"artifacts/{stage.name}" for stage in (made / "artifacts").iterdir()),
    ):
        (tmp_path / name).symlink_to(made / name)
    return tmp_path


def write(root: Path, photos: int = 10, best: int = 4) -> str | None:
    return write_browser(colour_params(), root, root / "out", Extent(photos, best))


def overview(root: Path) -> dict[str, object]:
    return json.loads((root / "out/data/overview.js").read_text()[len('put("overview",') : -3])


def test_the_folder_holds_a_page_of_the_mined_proposals(root: Path) -> None:
    assert write(root) is None
    page = (root / "out/index.html").read_text()
    assert "names known" in page and "colours" in page
    shown = overview(root)
    assert shown["names"] == ["red", "green", "blue", "yellow", "violet"]
    assert shown["groups"] == ["base", "base", "base", "novel", "novel"]
    assert shown["views"] == [[1.0, "scored"], [1.2, "named, embedded"]] and shown["tile"] == 32
    assert BrowserFolder(root / "out", shown["photos"]).is_done(0)
    assert not any(str(root).encode() in data for data in file_bytes(root / "out").values())


def test_writing_again_changes_nothing_and_another_extent_everything(root: Path) -> None:
    write(root)
    index = root / "out/data/index-0000.js"
    before, stamp = file_bytes(root / "out"), index.stat().st_mtime_ns
    write(root)
    assert file_bytes(root / "out") == before and index.stat().st_mtime_ns == stamp
    write(root, photos=2, best=1)
    assert overview(root)["photos"] == 2
    write(root)
    assert file_bytes(root / "out") == before


def test_an_interrupted_run_goes_on_to_the_same_bytes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root)
    whole = file_bytes(root / "out")
    for path in sorted((root / "out").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(browser, "write_page", killed)
        with pytest.raises(KeyboardInterrupt):
            write(root)
    assert not (root / "out/index.html").exists()
    crops = next((root / "out/crops").rglob("*.webp"))
    stamp = crops.stat().st_mtime_ns
    write(root)
    assert file_bytes(root / "out") == whole and crops.stat().st_mtime_ns == stamp


def test_without_embeddings_the_rest_is_shown(root: Path) -> None:
    (root / "artifacts/embed").unlink()
    assert "embed is missing" in str(write(root))
    assert "Nearest names and neighbours are not shown" in (root / "out/index.html").read_text()
    assert overview(root)["views"] == [[1.0, "scored"], [1.2, "named"]]
    assert str(root) not in (root / "out/index.html").read_text()


def test_a_folder_of_someone_else_is_left_alone(root: Path) -> None:
    (root / "out").mkdir()
    (root / "out/thesis.tex").write_text("precious")
    with pytest.raises(ArtifactError, match=r"holds files that proposals did not make, such as thesis\.tex"):
        write(root)
    assert (root / "out/thesis.tex").read_text() == "precious"


@pytest.mark.parametrize(("photos", "best"), [(0, 1), (1, 0), (1, 74)])
def test_an_extent_that_cannot_be_shown(photos: int, best: int) -> None:
    with pytest.raises(PipelineError, match="choose at least 1 photo and 1 to 73 proposals"):
        Extent(photos, best)


@pytest.mark.parametrize(
    ("overrides", "scored_context_factor", "expected"),
    [
        (["embed.crops=multi"], 1.0, {1.0: "scored, embedded", 1.2: "named", 1.5: "embedded"}),
        ([], None, {1.2: "named, embedded"}),
        ([], 1.2, {1.2: "scored, named, embedded"}),
        (["mine.context_factor=1.4"], 1.4, {1.4: "scored, named, embedded"}),
    ],
)
def test_equal_crops_are_shown_once(
    overrides: list[str], scored_context_factor: float | None, expected: dict[float, str]
) -> None:
    views = crop_views(colour_params(overrides), scored_context_factor, embedded=True)
    assert {view.context_factor: view.purpose for view in views} == expected
    assert [view.context_factor for view in views] == sorted(expected)
