"""Speed-up of two workers over one in the most expensive stage, start of the workers included."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.record import Measurement, Result, ratio, write_result
from benchmarks.runs import few_scenes, run_stage, start_run

SCENES = 96


def main() -> None:
    """Mine the same photos with one and with two workers and record the result."""
    with TemporaryDirectory() as folder:
        root = start_run(Path(folder), few_scenes(SCENES))
        for stage in ("prepare", "renorm"):
            run_stage(root, stage)
        seconds = {
            workers: run_stage(root, "mine", "--force", "--set", f"run.workers={workers}").seconds
            for workers in (1, 2)
        }
    measurements = [
        ratio("workers.speedup_2", seconds[1] / seconds[2]),
        Measurement("workers.mine_seconds_2", seconds[2], "s", seconds[1]),
    ]
    write_result(Result("workers", 1, measurements, {"photos": SCENES}))


if __name__ == "__main__":
    main()
