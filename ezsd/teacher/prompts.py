"""From category names to the texts that the text tower reads.

Annotations, splits and results keep the name as the data set spells it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ezsd.errors import InputError

TEMPLATE = "a photo of a {}"
"""The paper's only prompt, without a full stop as in the authors' release."""

TEMPLATE_SETS = ("paper", "openai_7", "openai_80")
"""Names of lists of templates; `ezsd.teacher.name_embeddings.template_set` returns them."""

SPELLINGS = {
    "speaker_(stero_equipment)": "speaker (stereo equipment)",  # a misspelling in LVIS v1
    "diningtable": "dining table",  # PASCAL VOC writes these three as one word
    "pottedplant": "potted plant",
    "tvmonitor": "tv monitor",
}

NAME, ARTICLE = "{}", "{article}"
_PLACES = re.compile(r"\{[^{}]*\}")
_SOUNDS_LIKE_A_CONSONANT = re.compile(r"uni[^mn]|u[kst][aeiou]|urin|eu|ewe|one(?!i)|once")
_SOUNDS_LIKE_A_VOWEL = re.compile(r"[aeiou]|hour|heir|honest")


@dataclass(frozen=True)
class Prompts:
    """The texts of each name.

    Attributes:
        templates: at least one; each holds `{}` once, where the name goes, and optionally `{article}`.
        text_names: one or more texts that replace a name of the data; other names are read as `spoken`.

    Raises:
        InputError: a template cannot be filled.
    """

    templates: Sequence[str] = (TEMPLATE,)
    text_names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for template in self.templates:
            check_template(template)

    def texts(self, name: str) -> list[str]:
        """Every template, filled with the name or with each text that replaces it."""
        spellings = self.text_names.get(name, (name,))
        return [fill(template, spelling) for spelling in spellings for template in self.templates]


def spoken(name: str) -> str:
    """Return the name as words: known odd spellings corrected, underscores as spaces.

    >>> spoken("fire_hydrant")
    'fire hydrant'
    """
    return " ".join(SPELLINGS.get(name, name).replace("_", " ").split())


def article(words: str) -> str:
    """Return "a" or "an", by the sound of the first word.

    >>> article("umbrella"), article("unicycle")
    ('an', 'a')
    """
    start = words.lower()
    if _SOUNDS_LIKE_A_CONSONANT.match(start):
        return "a"
    return "an" if _SOUNDS_LIKE_A_VOWEL.match(start) else "a"


def check_template(template: str) -> None:
    """Raise InputError unless the template has one place for the name and no other but its article."""
    places = _PLACES.findall(template)
    if places.count(NAME) != 1:
        raise InputError(f"prompt template {template!r} must hold '{NAME}' exactly once, where the name goes")
    if unknown := [place for place in places if place not in (NAME, ARTICLE)]:
        raise InputError(
            f"prompt template {template!r} holds {unknown[0]}: only {NAME} and {ARTICLE} can be filled"
        )


def fill(template: str, name: str) -> str:
    """Put the spoken name at the template's `{}`, and "a" or "an" at `{article}`.

    >>> fill("a photo of {article} {}", "orange_fish")
    'a photo of an orange fish'
    """
    words = spoken(name)
    return template.replace(ARTICLE, article(words)).replace(NAME, words)
