"""Zero-shot object detection by CLIP distillation (EZSD, arXiv 2303.12145).

    import ezsd

    teacher = ezsd.load_teacher("ViT-B-32-quickgelu", "openai")
    teacher = ezsd.renormalize(teacher, photos, boxes, labels, names)       # idea 1, a copy
    proposals = ezsd.mine(teacher, photo, names=names, base_boxes=boxes[0])  # idea 2
    detector = ezsd.load_detector("artifacts/train")
    detections = detector.predict(photo, names=["red mug", "espresso mug"])  # idea 3 is inside

Each name of the public API is imported on first use, so that `import ezsd` does not load torch. Type checkers
and editors read `__init__.pyi`.
"""

import os
from importlib import import_module
from typing import Any

# By default OpenMP's threads wait by spinning, which slows training down on shared cores. torch reads this
# when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_MODULES = {
    "ArtifactError": "ezsd.cache.errors",
    "CascadeConfig": "ezsd.mining.config",
    "CascadeMiner": "ezsd.mining.cascade",
    "CheckConfig": "ezsd.renorm.config",
    "Detections": "ezsd.api.results",
    "Detector": "ezsd.api.detector",
    "EnsembleConfig": "ezsd.evaluation.config",
    "InputError": "ezsd.errors",
    "MineConfig": "ezsd.mining.config",
    "Photo": "ezsd.photos",
    "Prompts": "ezsd.teacher.prompts",
    "Proposals": "ezsd.api.results",
    "RenormConfig": "ezsd.renorm.config",
    "Selection": "ezsd.detector.config",
    "Teacher": "ezsd.teacher.protocol",
    "fit_cascade": "ezsd.api.mining",
    "load_detector": "ezsd.api.loading",
    "load_teacher": "ezsd.api.teacher",
    "mine": "ezsd.api.mining",
    "renormalize": "ezsd.api.teacher",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'ezsd' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
