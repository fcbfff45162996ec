"""How a category name becomes the sentence a text tower reads.

Only the text changes here: annotations, splits and results keep the name as the data set spells it.
"""

from ezsd.errors import InputError

TEMPLATE = "a photo of a {}"
"""The paper's single prompt; it ends without a full stop, as in the authors' release."""

SPELLINGS = {
    "speaker_(stero_equipment)": "speaker (stereo equipment)",  # a misspelling in LVIS v1
    "diningtable": "dining table",  # PASCAL VOC writes these three as one word
    "pottedplant": "potted plant",
    "tvmonitor": "tv monitor",
}


def spoken(name: str) -> str:
    """Return the name as words: known odd spellings mended, underscores as spaces.

    >>> spoken("fire_hydrant")
    'fire hydrant'
    """
    return " ".join(SPELLINGS.get(name, name).replace("_", " ").split())


def fill(template: str, name: str) -> str:
    """Put the spoken name at the template's one `{}`; raises InputError when there is not exactly one.

    >>> fill(TEMPLATE, "fire_hydrant")
    'a photo of a fire hydrant'
    """
    if template.count("{}") != 1:
        raise InputError(f"prompt template {template!r} must hold '{{}}' exactly once, where the name goes")
    return template.replace("{}", spoken(name))
