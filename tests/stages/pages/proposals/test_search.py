"""A search by words finds the proposals whose cached embeddings are nearest."""

import re
from pathlib import Path

import numpy as np
import pytest
from support.browsed_runs import KEEP, PHOTOS, PROPOSALS, count_of, embedding_of
from support.chromium import dom_in_chromium
from support.teacher_runs import colour_params, context_of

from ezsd.cache.artifacts import Embedded, Mined
from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import read_manifest
from ezsd.cache.sharded import ShardedStore
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.models.teacher import prompts_of, renormalized_teacher
from ezsd.pipeline.runner import artifact_folder
from ezsd.stages.pages.proposals import search as search_module
from ezsd.stages.pages.proposals.found import found_text, write_found
from ezsd.stages.pages.proposals.search import Search, find_boxes, search_store
from ezsd.teacher.name_embeddings import embed_names


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Manifests are read, but inputs are not compared."""
    monkeypatch.setattr(
        search_module,
        "require_current",
        lambda _, name, __, root: read_manifest(artifact_folder(root, name)),
    )


@pytest.mark.parametrize("best", [1, 7, PROPOSALS + 5])
def test_the_shards_together_give_what_all_at_once_gives(root: Path, best: int) -> None:
    text = np.array([0.0, 0.0, 0.6, 0.8], np.float32)
    found = search_store(Embedded(root / "embed"), text, best)
    pairs = [(photo, rank) for photo in range(PHOTOS) for rank in range(count_of(photo))]
    stored = np.array([embedding_of(*pair) for pair in pairs]).astype(np.float16).astype(np.float64)
    cosines = stored @ text / np.linalg.norm(stored, axis=1)
    order = np.argsort(-cosines, kind="stable")[:best]
    assert found.cosines == pytest.approx(cosines[order], abs=1e-6)
    assert len(set(zip(found.rows.tolist(), found.places.tolist(), strict=True))) == min(best, PROPOSALS)
    assert (found.searched, found.mean) == (PROPOSALS, pytest.approx(cosines.mean(), abs=1e-6))


def test_equal_proposals_keep_the_order_of_the_data(root: Path) -> None:
    found = search_store(Embedded(root / "embed"), np.array([0, 1, 0, 0], np.float32), PROPOSALS)
    assert (found.cosines == 0).all()
    assert list(zip(found.rows.tolist(), found.places.tolist(), strict=True)) == [
        (photo, rank) for photo in range(PHOTOS) for rank in range(count_of(photo))
    ]


def test_one_shard_at_a_time_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    whole = ShardedStore.read_shard

    def counted(store: ShardedStore, shard: int, names: object = None) -> dict[str, np.ndarray]:
        arrays = whole(store, shard, names)
        reads.append(len(arrays["embeddings"]))
        return arrays

    monkeypatch.setattr(ShardedStore, "read_shard", counted)
    monkeypatch.setattr(ShardedStore, "read", None)
    search_store(Embedded(root / "embed"), np.eye(KEEP, dtype=np.float32)[0], 3)
    assert sum(reads) == PHOTOS and max(reads) == 8  # photos in a shard


@pytest.fixture
def found(made: Path, finished: None) -> Search:
    return find_boxes(colour_params(), made, "  yellow\n thing ", 4)


def test_the_text_is_encoded_by_the_re_normalized_teacher(made: Path, found: Search) -> None:
    teacher = renormalized_teacher(context_of("embed", made)).load()
    text = embed_names(teacher, ["yellow thing"], prompts_of(colour_params().teacher))[0].detach().numpy()
    assert found.words == "yellow thing"
    expected = search_store(Embedded(made / "artifacts/embed"), text, 4).cosines
    assert [box.similarity for box in found.found] == pytest.approx(expected, abs=1e-4)


def test_a_found_box_says_where_it_is_and_what_mining_called_it(made: Path, found: Search) -> None:
    mined = Mined(made / "artifacts/mine")
    for box in found.found:
        row = (box.image_id - 7) // 10
        assert box.file_name == f"{row}.png" and box.size_wh == (64, 64)
        stored = mined.store.read("boxes_xyxy", [row])[0, box.proposal - 1]
        assert box.box_xyxy == pytest.approx(stored, abs=0.05)
        assert box.name == mined.names[mined.store.read("labels", [row])[0, box.proposal - 1]]
        assert box.group == ("novel" if box.name in ("yellow", "violet") else "base")
    lines = found_text(found).splitlines()
    assert lines[0].startswith(f"'yellow thing': the 4 most similar of {found.searched} proposals")
    assert lines[2].split()[:4] == [
        "1",
        f"{found.found[0].similarity:.3f}",
        str(found.found[0].image_id),
        str(found.found[0].proposal),
    ]


def test_the_page_shows_the_boxes_and_leads_to_their_photos(
    made: Path, found: Search, tmp_path: Path
) -> None:
    browser = tmp_path / "proposals/index.html"
    write_found(tmp_path / "found.html", found, colour_params(), made, browser)
    first = (tmp_path / "found.html").read_text()
    assert "<a " not in first and not re.search(r"https?://|<script|url\(|@import", first)
    browser.parent.mkdir()
    browser.touch()
    (tmp_path / "pages").mkdir()
    write_found(tmp_path / "pages/found.html", found, colour_params(), made, browser)
    page = dom_in_chromium(tmp_path / "pages/found.html", "", tmp_path / "profile")
    links = [
        f"../proposals/index.html#photo={one.image_id}&amp;open={one.image_id}.{one.proposal}"
        for one in found.found
    ]
    assert re.findall(r'<a href="([^"]*)"><img', page.replace("\n", "").replace("    ", "")) == links
    assert re.findall(r"<figcaption><b>([-\d.]+)</b>", page) == [
        f"{one.similarity:.3f}" for one in found.found
    ]


def test_a_photo_that_is_gone_has_a_reason_and_the_page_is_written(
    made: Path, found: Search, tmp_path: Path
) -> None:
    for name in ("tiny.json", "artifacts"):
        (tmp_path / name).symlink_to(made / name)
    (tmp_path / "photos").mkdir()
    write_found(tmp_path / "found.html", found, colour_params(), tmp_path, tmp_path / "none")
    page = (tmp_path / "found.html").read_text()
    assert page.count("there is no such file") == len(found.found) and "<img" not in page
    assert str(tmp_path) not in page


def test_what_cannot_be_searched_is_said(made: Path, finished: None, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="nothing to find: give words"):
        find_boxes(colour_params(), made, "  ", 4)
    with pytest.raises(PipelineError, match="search for fewer words"):
        find_boxes(colour_params(), made, "cup " * 20, 4)
    (tmp_path / "artifacts").mkdir()
    for name in ("prepare", "renorm", "mine"):
        (tmp_path / "artifacts" / name).symlink_to(made / "artifacts" / name)
    with pytest.raises(
        ArtifactError,
        match=r"a search needs the embeddings of the proposals: .*embed is missing",
    ):
        find_boxes(colour_params(), tmp_path, "cup", 4)
