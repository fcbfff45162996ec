"""Growth of each precompute stage's peak memory with ten times the images; it should be flat."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.runs import run_stage, start_run
from ezsd.pipeline.graph import PRECOMPUTE

SCENES = 32
TIMES = 10
SETTINGS = (
    "data.world.val=4",
    "prepare.photos_per_shard=16",
    "renorm.epochs=1",
    "renorm.check=null",
    "mine.scales=[3]",
    "mine.keep=16",
    "mine.photos_per_shard=16",
    "run.workers=1",
)


def main() -> None:
    """Run the stages at both sizes, each in its own process, and record the result."""
    small, large = measure_peaks(SCENES), measure_peaks(TIMES * SCENES)
    growths = {stage: large[stage] / small[stage] for stage in small}
    measurements = [
        ratio("memory.growth_10x", max(growths.values()), Target("<=", 1.2)),
        *(
            Measurement(f"memory.peak.{stage}", large[stage] / 2**20, "MiB", small[stage] / 2**20)
            for stage in small
        ),
    ]
    write_result(Result("memory", 1, measurements, {"photos": [SCENES, TIMES * SCENES]}))


def measure_peaks(scenes: int) -> dict[str, int]:
    """Return the peak bytes of each stage, run as one process."""
    with TemporaryDirectory() as folder:
        root = start_run(Path(folder), (*SETTINGS, f"data.world.train={scenes}"))
        return {stage: run_stage(root, stage).largest_bytes for stage in PRECOMPUTE}


if __name__ == "__main__":
    main()
