"""From names to text embeddings: the only use of the text tower."""

import logging
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import open_clip
import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from ezsd.teacher.prompts import NAME, TEMPLATE, Prompts
from ezsd.teacher.protocol import Teacher

logger = logging.getLogger(__name__)

TEXTS_AT_ONCE = 128
"""Texts that go through the tower at once; with more, activations are recomputed for the backward pass."""

_SHOWN = 5


@runtime_checkable
class CuttingTeacher(Teacher, Protocol):
    """A teacher that knows which texts are too long for it."""

    def cut_texts(self, texts: Sequence[str]) -> list[bool]:
        """Whether the tokenizer cuts off the end of each text."""
        ...


def template_set(name: str) -> tuple[str, ...]:
    """The templates of one of `TEMPLATE_SETS`: the paper's only one, or the lists that OpenAI published."""
    functions = {
        "paper": (TEMPLATE.format,),
        "openai_7": open_clip.SIMPLE_IMAGENET_TEMPLATES,
        "openai_80": open_clip.OPENAI_IMAGENET_TEMPLATES,
    }
    return tuple(fill_in(NAME) for fill_in in functions[name])


def embed_names(teacher: Teacher, names: Sequence[str], prompts: Prompts) -> Tensor:
    """Embeddings of names: float32 `(C, D)`, L2-normalised, on the teacher's device.

    A name with several texts gets the mean of their normalised embeddings, normalised again (Radford et al.
    2021, section 3.1.4). Gradients are recorded unless the caller disables them.
    """
    groups = [prompts.texts(name) for name in names]
    embeddings = _encode(teacher, [text for group in groups for text in group])
    if len(embeddings) == len(names):
        return embeddings
    means = [part.mean(dim=0) for part in embeddings.split(list(map(len, groups)))]
    return normalize(torch.stack(means), dim=-1)


def cut_names(teacher: Teacher, names: Sequence[str], prompts: Prompts) -> list[str]:
    """Names with a text that the tokenizer cuts; empty if the teacher does not know."""
    if not isinstance(teacher, CuttingTeacher):
        return []
    return [name for name in names if any(teacher.cut_texts(prompts.texts(name)))]


def warn_of_cut_names(teacher: Teacher, names: Sequence[str], prompts: Prompts) -> list[str]:
    """Same as `cut_names`, with one warning in the log when there are any."""
    cut = cut_names(teacher, names, prompts)
    if cut:
        more = f" and {len(cut) - _SHOWN} more" if len(cut) > _SHOWN else ""
        shown = ", ".join(map(repr, cut[:_SHOWN]))
        logger.warning(
            "the teacher's tokenizer cuts the text of %s%s: give a shorter one as text_names", shown, more
        )
    return cut


def _encode(teacher: Teacher, texts: Sequence[str]) -> Tensor:
    if len(texts) <= TEXTS_AT_ONCE:
        return teacher.encode_texts(texts)
    parts = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
    return torch.cat([checkpoint(teacher.encode_texts, part, use_reentrant=False) for part in parts])
