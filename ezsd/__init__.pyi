from ezsd.api.detector import Detector
from ezsd.api.loading import load_detector
from ezsd.api.mining import fit_cascade, mine
from ezsd.api.results import Detections, Proposals
from ezsd.api.teacher import load_teacher, renormalize
from ezsd.cache.errors import ArtifactError
from ezsd.detector.config import Selection
from ezsd.errors import InputError
from ezsd.evaluation.config import EnsembleConfig
from ezsd.mining.cascade import CascadeMiner
from ezsd.mining.config import CascadeConfig, MineConfig
from ezsd.photos import Photo
from ezsd.renorm.config import CheckConfig, RenormConfig
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

__all__ = [
    "ArtifactError",
    "CascadeConfig",
    "CascadeMiner",
    "CheckConfig",
    "Detections",
    "Detector",
    "EnsembleConfig",
    "InputError",
    "MineConfig",
    "Photo",
    "Prompts",
    "Proposals",
    "RenormConfig",
    "Selection",
    "Teacher",
    "fit_cascade",
    "load_detector",
    "load_teacher",
    "mine",
    "renormalize",
]
