"""All stages with their params and parents; `dvc.yaml` repeats them for DVC, and a test compares both."""

from ezsd.evaluation.config import scoring_module
from ezsd.pipeline import external
from ezsd.pipeline.params import Params
from ezsd.pipeline.stage import Stage

# A file's content is an input, its path is not: paths of photos and weights are left out here, and the stages
# that read them put digests of their content into the fingerprint.
DATA = ("data.format", "data.split", "data.world")
TEACHER = ("teacher.model", "teacher.templates", "teacher.text_names", "teacher.seed", "teacher.factory")
PRECISION = "teacher.precision"


def reader(params: Params) -> str:
    """Module that reads the annotations; the embedded world writes COCO's format."""
    form = params.data.format
    return f"ezsd.pipeline.data.{'coco' if form == 'world' else form}"


def generator(params: Params) -> str | None:
    """Module that draws the data; None for data from files."""
    return None if params.data.world is None else "ezsd.pipeline.data.world.drawing"


def scorer(params: Params) -> str:
    """Module with the scoring rules of the data set."""
    return scoring_module(params.data.format)


def miner(params: Params) -> str:
    """Module that prepares the miner."""
    return f"ezsd.pipeline.jobs.mine_{params.mine.method}"


def pseudo_miner(params: Params) -> str | None:
    """Module that prepares the miner for the calibration of pseudo boxes; None without them."""
    return None if params.pseudo is None else miner(params)


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            "prepare", params=(*DATA, "prepare"), late=(reader, generator), external=external.training_data
        ),
        Stage(
            "renorm",
            params=(*TEACHER, "renorm"),
            parents=("prepare",),
            external=external.teacher_files,
        ),
        Stage(
            "mine",
            params=("mine", PRECISION),
            parents=("prepare", "renorm"),
            late=(miner,),
            choice="mine.method",
            external=external.miner_files,
            sharded=True,
        ),
        Stage("embed", params=("embed", PRECISION), parents=("prepare", "renorm", "mine"), sharded=True),
        Stage(
            "pseudo",
            params=("pseudo", PRECISION),
            parents=("prepare", "renorm", "mine"),
            late=(pseudo_miner,),
        ),
        Stage(
            "train",
            params=("train",),
            parents=("prepare", "renorm", "embed", "pseudo"),
            external=external.backbone_files,
        ),
        Stage(
            "evaluate",
            params=(*DATA, "evaluate", PRECISION),
            parents=("prepare", "renorm", "mine", "embed", "train"),
            late=(reader, scorer),
            external=external.full_annotations,
        ),
        Stage("report", params=("report",), parents=("prepare", "renorm", "mine", "train", "evaluate")),
    )
}
"""All stages by name, in the order in which they run."""

PRECOMPUTE = ("prepare", "renorm", "mine", "embed", "pseudo")
"""What `ezsd-cli precompute` runs: everything that training reads."""
