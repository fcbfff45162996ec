"""The one error of the method's room."""


class InputError(ValueError):
    """What came in cannot be used: a photo, a box, a name, a weights file.

    The message is one sentence for a person: what is wrong, where (file, id or key), and the mend.
    """
