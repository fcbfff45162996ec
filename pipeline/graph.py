"""The pipeline as a table of contents; `dvc.yaml` says the same to DVC, and a test holds them together."""

from ezsd.pipeline.stage import Stage

# Where files lie is no input, what is in them is: paths to photos and weights are left out here, and the
# stages that read them put digests of their content into the fingerprint.
DATA = ("data.format", "data.split", "data.world")
TEACHER = ("teacher.model", "teacher.templates", "teacher.text_names", "teacher.seed", "teacher.factory")

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("prepare", params=(*DATA, "prepare")),
        Stage("renorm", params=(*TEACHER, "renorm"), parents=("prepare",)),
        Stage("mine", params=("mine",), parents=("prepare", "renorm"), choice="mine.method", sharded=True),
        Stage("embed", params=("embed",), parents=("prepare", "renorm", "mine"), sharded=True),
        Stage("train", params=("train",), parents=("prepare", "renorm", "embed")),
        Stage("evaluate", params=(*DATA, "evaluate"), parents=("prepare", "renorm", "mine", "train")),
        Stage("report", params=("report",), parents=("prepare", "renorm", "mine", "train", "evaluate")),
    )
}
"""All stages by name, in the order in which they run."""

PRECOMPUTE = ("prepare", "renorm", "mine", "embed")
"""What `ezsd-cli precompute` runs: everything that training reads."""
