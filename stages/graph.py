"""The pipeline as a table of contents; `dvc.yaml` says the same to DVC, and a test holds them together."""

from pipeline.stage import Stage

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("prepare", params=("data", "prepare")),
        Stage("renorm", params=("teacher", "renorm"), parents=("prepare",)),
        Stage("mine", params=("teacher", "mine"), parents=("prepare", "renorm")),
        Stage("embed", params=("teacher", "embed"), parents=("prepare", "renorm", "mine")),
        Stage("train", params=("train",), parents=("prepare", "embed")),
        Stage("evaluate", params=("data", "evaluate"), parents=("prepare", "renorm", "mine", "train")),
        Stage("report", params=("report",), parents=("prepare", "renorm", "mine", "train", "evaluate")),
    )
}
"""All stages by name, in the order in which they run."""

PRECOMPUTE = ("prepare", "renorm", "mine", "embed")
"""What `ezsd-cli precompute` runs: everything that training reads."""
