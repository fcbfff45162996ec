"""How long `ezsd-cli --help` and `ezsd-cli inspect` take."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.memory import SETTINGS
from benchmarks.record import Measurement, Result, Target, write_result
from benchmarks.runs import run_stage, start_run
from benchmarks.watch import watch
from ezsd.pipeline.graph import PRECOMPUTE

RUNS = 9
SCENES = 16


def main() -> None:
    """Run each command several times and record the median wall times."""
    with TemporaryDirectory() as folder:
        root = start_run(Path(folder), (*SETTINGS, f"data.world.train={SCENES}"))
        for stage in PRECOMPUTE:
            run_stage(root, stage)
        seconds = {
            name: [watch(["ezsd-cli", argument], root).seconds for _ in range(RUNS)]
            for name, argument in {"help": "--help", "inspect": "inspect"}.items()
        }
    targets = {"help": Target("<=", 0.5), "inspect": Target("<=", 1.0)}
    measurements = [
        Measurement(f"cli.{name}_seconds", median(taken), "s", target=targets[name])
        for name, taken in seconds.items()
    ]
    write_result(Result("cli", 1, measurements, {"runs": RUNS, "seconds": seconds}))


if __name__ == "__main__":
    main()
