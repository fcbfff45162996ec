"""The error of `ezsd`."""


class InputError(ValueError):
    """An input cannot be used: a photo, a box, a name, a weights file.

    The message is one sentence: what is wrong, where (file or id), and how to fix it.
    """
