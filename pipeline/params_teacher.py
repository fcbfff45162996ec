"""The section `teacher` of the params."""

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from ezsd.pipeline.params_base import Section, Seed

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[
    tuple[Text, ...],
    Field(min_length=1),
    BeforeValidator(lambda texts: (texts,) if isinstance(texts, str) else texts),
]
"""One text, or several as a list."""


class TeacherParams(Section):
    """The CLIP that teaches: any open_clip model, or a factory of one's own.

    `templates`: a known set, or texts with `{}` for the name and perhaps `{article}` for a or an.
    `text_names`: what the teacher reads in place of a name, one text or several; all else keeps the name.
    """

    model: str
    weights: str
    templates: str | tuple[str, ...]
    text_names: dict[str, Texts]
    seed: Seed
    factory: str | None = None

    @field_validator("templates")
    @classmethod
    def _can_be_filled(cls, templates: str | tuple[str, ...]) -> str | tuple[str, ...]:
        # imported here: params are read by stages that lean on no prompt
        from ezsd.teacher.prompts import NAME, TEMPLATE_SETS, Prompts

        if templates not in TEMPLATE_SETS and (isinstance(templates, str) or not templates):
            raise ValueError(f"choose {', '.join(TEMPLATE_SETS)}, or give a list of texts with '{NAME}'")
        if not isinstance(templates, str):
            Prompts(templates)
        return templates
