"""The pipeline as a table of contents; `dvc.yaml` says the same to DVC, and a test holds them together."""

from ezsd.pipeline.params import Params
from ezsd.pipeline.stage import Stage

# Where files lie is no input, what is in them is: paths to photos and weights are left out here, and the
# stages that read them put digests of their content into the fingerprint.
DATA = ("data.format", "data.split", "data.world")
TEACHER = ("teacher.model", "teacher.templates", "teacher.text_names", "teacher.seed", "teacher.factory")


def reader(params: Params) -> str:
    """What reads the annotations; those of the embedded world are written in COCO's format."""
    form = params.data.format
    return f"ezsd.pipeline.data.{'coco' if form == 'world' else form}"


def generator(params: Params) -> str | None:
    """What draws the data, if they are drawn."""
    return None if params.data.world is None else "ezsd.pipeline.data.world.drawing"


def miner(params: Params) -> str:
    """What prepares the miner."""
    return f"ezsd.pipeline.jobs.mine_{params.mine.method}"


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("prepare", params=(*DATA, "prepare"), late=(reader, generator)),
        Stage("renorm", params=(*TEACHER, "renorm"), parents=("prepare",)),
        Stage(
            "mine",
            params=("mine",),
            parents=("prepare", "renorm"),
            late=(miner,),
            choice="mine.method",
            sharded=True,
        ),
        Stage("embed", params=("embed",), parents=("prepare", "renorm", "mine"), sharded=True),
        Stage("train", params=("train",), parents=("prepare", "renorm", "embed")),
        Stage(
            "evaluate",
            params=(*DATA, "evaluate"),
            parents=("prepare", "renorm", "mine", "train"),
            late=(reader,),
        ),
        Stage("report", params=("report",), parents=("prepare", "renorm", "mine", "train", "evaluate")),
    )
}
"""All stages by name, in the order in which they run."""

PRECOMPUTE = ("prepare", "renorm", "mine", "embed")
"""What `ezsd-cli precompute` runs: everything that training reads."""
