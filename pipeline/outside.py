"""Which params lead out of the project, and whether DVC looks there."""

import os

from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import Params, TeacherParams

BUNDLED, RANDOM, TAG = "bundled", "random", "tag:"
"""Weights that come with the package, are drawn from the seed, or are published under a tag."""


def require_watched(params: Params) -> None:
    """Refuse to run for DVC when it would not notice a change in the files that are read.

    Raises PipelineError with the key that leads outside and the one to set.
    """
    keys = outside_keys(params)
    if "DVC_STAGE" in os.environ and keys and not params.run.watch:
        raise PipelineError(
            f"{keys[0]} leads to files at which DVC does not look: set run.watch to [files] in params"
        )


def outside_keys(params: Params) -> list[str]:
    """The keys that lead to a user's data, weights or teacher."""
    leads = {
        "data": params.data.world is None,
        "teacher": _is_own_teacher(params.teacher),
        "mine.rpn.backbone_weights": _is_file(params.mine.rpn.backbone_weights),
        "train.backbone_weights": _is_file(params.train.backbone_weights),
    }
    return [key for key, outside in leads.items() if outside]


def _is_own_teacher(params: TeacherParams) -> bool:
    own = params.factory is not None or params.model.endswith(".json")
    return own or params.weights not in (BUNDLED, RANDOM)


def _is_file(weights: str) -> bool:
    return weights not in (BUNDLED, RANDOM) and not weights.startswith(TAG)
