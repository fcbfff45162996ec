"""From nothing to a report, as a user would."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from support.small_runs import bytes_below, cli, differing, run_all

from ezsd.pipeline.graph import PRECOMPUTE, STAGES


def test_the_result_has_every_number_that_is_promised(small_run: Path) -> None:
    metrics = json.loads((small_run / "artifacts/evaluate/metrics.json").read_text())
    assert {"base", "novel", "all"} <= metrics["AP50"].keys() & metrics["AP"].keys()
    for state in ("raw", "renormalized"):
        assert metrics["teacher_accuracy"][state].keys() >= {"base", "novel"}
    assert metrics["proposal_recall"].keys() >= {"base", "novel"}
    assert metrics["protocol"] == "names known"
    assert metrics["ensemble"]["teacher_weights"] == {"base": 0.33, "novel": 0.67}
    assert metrics["ensemble"]["AP50"].keys() == metrics["AP50"].keys()
    assert metrics["probing"] == {"boxes_per_name": 5, "pull": 1.0, "seed": 0}
    assert "Novel names are found by probing" in (small_run / "artifacts/report/table.md").read_text()


def test_predict_with_the_ensemble_gives_the_scores_that_were_evaluated(
    small_run: Path, tmp_path: Path
) -> None:
    names, photos = "artifacts/evaluate/classifier.npz", "artifacts/prepare/world/val"
    asked = f"--names {names} --ensemble --threshold 0 --best 100 --no-draw --json --out {tmp_path}"
    done = cli("predict", photos, *asked.split(), root=small_run)
    assert done.returncode == 0, done.stderr
    found = [box for photo in json.loads(done.stdout) for box in photo["detections"]]
    evaluated = json.loads((small_run / "artifacts/evaluate/ensemble_detections.json").read_text())
    assert len(found) == len(evaluated) > 100

    def numbers(boxes: Iterable[tuple[float, ...]]) -> np.ndarray:
        return np.array(sorted(boxes))

    ours = numbers((one["score"], *one["box_xyxy"][:2]) for one in found)
    theirs = numbers((one["score"], *one["bbox"][:2]) for one in evaluated)
    assert np.allclose(ours[:, 0], theirs[:, 0], atol=1e-4)
    assert np.allclose(ours[-50:], theirs[-50:], atol=2e-2)


def test_the_page_stands_alone(small_run: Path) -> None:
    page = (small_run / "artifacts/report/index.html").read_text()
    assert "AP50" in page and "names known" in page
    for reference in ('src="http', "src='http", 'href="http', "@import", "url(http"):
        assert reference not in page


def test_everything_is_current_and_undamaged(small_run: Path) -> None:
    done = cli("verify", "--json", root=small_run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {name: [] for name in STAGES}


def test_running_again_does_nothing(small_run: Path) -> None:
    before = bytes_below(small_run, list(STAGES))
    again = cli("precompute", root=small_run)
    assert again.stderr.count("up to date") == len(PRECOMPUTE)
    assert not differing(before, bytes_below(small_run, list(STAGES)))


def test_another_folder_and_more_workers_give_the_same_bytes(
    small_run: Path, new_root: Callable[..., Path]
) -> None:
    root = new_root("two-workers", {"run": {"workers": 2}})
    run_all(root)
    stages = list(STAGES)
    assert not differing(bytes_below(small_run, stages), bytes_below(root, stages))


def test_a_stale_artifact_is_refused_with_the_key_that_changed(small_run: Path) -> None:
    done = cli("train", "--set", "mine.keep=5", root=small_run)
    assert done.returncode == 1
    assert "mine.keep 8 -> 5" in done.stderr and "ezsd-cli precompute" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_shard_is_found_and_repaired(small_run: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(small_run, root)
    shard = next(path for path in sorted((root / "artifacts/embed").rglob("c/0/*/0")) if path.is_file())
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2] + b"\0" + whole[len(whole) // 2 + 1 :])
    damaged = cli("verify", "embed", root=root)
    assert damaged.returncode == 1 and "embed" in damaged.stdout
    assert cli("precompute", "--only", "embed", "--force", root=root).returncode == 0
    assert shard.read_bytes() == whole
    assert cli("verify", root=root).returncode == 0


def test_precomputed_artifacts_travel_in_one_file(small_run: Path, new_root: Callable[..., Path]) -> None:
    root = new_root("imported")
    exported = cli("cache", "export", "--hdf5", str(root / "precomputed.h5"), root=small_run)
    assert exported.returncode == 0, exported.stderr
    assert cli("cache", "import", "precomputed.h5", root=root).returncode == 0
    assert not differing(bytes_below(small_run, PRECOMPUTE), bytes_below(root, PRECOMPUTE))
    assert cli("precompute", root=root).stderr.count("up to date") == len(PRECOMPUTE)


def test_the_proposals_can_be_browsed(small_run: Path, tmp_path: Path) -> None:
    done = cli("inspect", "proposals", "--out", str(tmp_path / "pages"), root=small_run)
    assert done.returncode == 0, done.stderr
    assert "proposals: 20/20 photos" in done.stderr and "page: " in done.stderr
    assert "names known" in (tmp_path / "pages/index.html").read_text()
