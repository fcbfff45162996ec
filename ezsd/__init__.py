"""Zero-shot object detection by CLIP distillation (EZSD, arXiv 2303.12145).

The names below are the public API. Each is imported on first use, so that `import ezsd` costs no torch; for
type checkers and editors they are listed in `__init__.pyi`.
"""

import os
from importlib import import_module
from typing import Any

# OpenMP's threads wait for one another by spinning, unless torch finds this when it is loaded: on cores that
# something else uses too, training then crawls.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_MODULES = {
    "ArtifactError": "ezsd.cache.errors",
    "Detections": "ezsd.api.results",
    "Detector": "ezsd.api.detector",
    "InputError": "ezsd.errors",
    "MineConfig": "ezsd.mining.config",
    "Photo": "ezsd.photos",
    "Prompts": "ezsd.teacher.prompts",
    "Proposals": "ezsd.api.results",
    "RenormConfig": "ezsd.renorm.config",
    "Selection": "ezsd.detector.config",
    "Teacher": "ezsd.teacher.protocol",
    "load_detector": "ezsd.api.detector",
    "load_teacher": "ezsd.api.teacher",
    "mine": "ezsd.api.teacher",
    "renormalize": "ezsd.api.teacher",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'ezsd' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
