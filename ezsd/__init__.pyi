from ezsd.api.detector import Detector, load_detector
from ezsd.api.results import Detections, Proposals
from ezsd.api.teacher import load_teacher, mine, renormalize
from ezsd.cache.errors import ArtifactError
from ezsd.detector.config import Selection
from ezsd.errors import InputError
from ezsd.mining.proposals import MineConfig
from ezsd.photos import Photo
from ezsd.renorm.tune import TuneConfig
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

__all__ = [
    "ArtifactError",
    "Detections",
    "Detector",
    "InputError",
    "MineConfig",
    "Photo",
    "Prompts",
    "Proposals",
    "Selection",
    "Teacher",
    "TuneConfig",
    "load_detector",
    "load_teacher",
    "mine",
    "renormalize",
]
