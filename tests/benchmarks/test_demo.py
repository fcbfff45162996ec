"""What the demo's benchmark changes between its runs."""

from pathlib import Path

from benchmarks.demo import shorten_training
from ezsd.pipeline.params import load_params, preset_text


def test_the_shorter_training_is_the_demo_in_all_other_params(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(preset_text("demo"))
    before = load_params(path)
    shorten_training(path)
    after = load_params(path)
    assert after.train.schedule.epochs == 1 < before.train.schedule.epochs
    assert after.mine == before.mine and after.train.detector == before.train.detector
