"""The section `teacher` of the params."""

from dataclasses import field
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from ezsd.config import Precision, Seed, config

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[
    tuple[Text, ...],
    Field(min_length=1),
    BeforeValidator(lambda texts: (texts,) if isinstance(texts, str) else texts),
]
"""One text, or several as a list."""


@config
class TeacherParams:
    """The teacher CLIP: any open_clip model, or your own factory.

    Attributes:
        model: an open_clip architecture, `world-teacher` for the packaged one, or a config in a `.json` file.
        weights: `bundled` (of `world-teacher`), `random`, `tag:TAG` of open_clip, or a file.
        templates: `paper`, `openai_7`, `openai_80`, or texts with `{}` for the name and
            optionally `{article}` for a or an.
        text_names: text, or several, that the teacher reads instead of a name of the data.
        seed: of random weights.
        precision: of the image tower in `mine`, `embed` and `evaluate` on a GPU; a CPU takes `float32`.
        factory: `module:function` that makes your own teacher; null for open_clip.
    """

    model: str = "ViT-B-32-quickgelu"
    weights: str = "tag:openai"
    templates: str | tuple[str, ...] = "paper"
    text_names: dict[str, Texts] = field(default_factory=dict)
    seed: Seed = 0
    precision: Precision = "float32"
    factory: str | None = None

    @field_validator("templates")
    @classmethod
    def _can_be_filled(cls, templates: str | tuple[str, ...]) -> str | tuple[str, ...]:
        # imported here: stages that use no prompts read params too
        from ezsd.teacher.prompts import NAME, TEMPLATE_SETS, Prompts

        if templates not in TEMPLATE_SETS and (isinstance(templates, str) or not templates):
            raise ValueError(f"choose {', '.join(TEMPLATE_SETS)}, or give a list of texts with '{NAME}'")
        if not isinstance(templates, str):
            Prompts(templates)
        return templates
