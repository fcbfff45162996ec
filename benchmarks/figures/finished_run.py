"""A finished run on the embedded world: its teacher before and after, its detector, its scenes."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ezsd.cache.artifacts import Renormed
from ezsd.detector.detector import ZeroShotDetector
from ezsd.pipeline.data.world.scenes import SceneObject, draw_scene
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.models.teacher import prompts_of
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.params import PARAMS_FILE, MineParams, load_params
from ezsd.pipeline.runner import artifact_folder
from ezsd.renorm.norm_layers import load_norm_state
from ezsd.split import Split
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.protocol import Teacher


@dataclass(frozen=True)
class NamingTeacher:
    """A teacher and `text`, (C, D) float32: its embeddings of the split's names, base names first."""

    teacher: Teacher
    text: Tensor


@dataclass(frozen=True)
class FinishedRun:
    """The parts of a run that the pictures show.

    Attributes:
        raw, tuned: the teacher before and after re-normalization.
        detector: trained, with all names of the split as its vocabulary.
        seed: of the world.
        scenes: how many scenes each set of the world holds, by `train` and `val`.
    """

    split: Split
    mine: MineParams
    raw: NamingTeacher
    tuned: NamingTeacher
    detector: ZeroShotDetector
    seed: int
    scenes: dict[str, int]

    def photos(self, kind: str) -> Iterator[tuple[Tensor, tuple[SceneObject, ...]]]:
        """Yield scenes of `train` or `val`: photo uint8 (3, H, W) and its objects, novel ones too."""
        for index in range(self.scenes[kind]):
            scene = draw_scene(self.seed, kind, index)
            yield torch.from_numpy(scene.image).permute(2, 0, 1).contiguous(), scene.objects

    def is_base(self, name: str) -> bool:
        """Whether the name has boxes in training."""
        return name in self.split.base


def open_run(root: Path) -> FinishedRun:
    """Read a run. Raises ArtifactError when an artifact is missing or damaged."""
    params = load_params(root / PARAMS_FILE)
    world = params.data.world
    if world is None:
        sys.exit(
            f"error: {root} is not a run on the embedded world: make one with `ezsd-cli init --preset demo`"
        )
    trained = read_detector(artifact_folder(root, "train"))
    source, prompts = resolve_teacher(params.teacher, root), prompts_of(params.teacher)
    raw, tuned = load_teacher(source), load_teacher(source)
    load_norm_state(tuned, load_file(Renormed(artifact_folder(root, "renorm")).norms))
    with torch.inference_mode():
        texts = [embed_names(teacher, trained.split.names, prompts) for teacher in (raw, tuned)]
    trained.detector.eval()
    trained.detector.set_vocabulary(texts[1])
    return FinishedRun(
        split=trained.split,
        mine=params.mine,
        raw=NamingTeacher(raw, texts[0]),
        tuned=NamingTeacher(tuned, texts[1]),
        detector=trained.detector,
        seed=world.seed,
        scenes={"train": world.train, "val": world.val},
    )
