"""The one error of the disk's room."""


class ArtifactError(RuntimeError):
    """An artifact cannot be written, or what lies on disk cannot be used.

    The message is one sentence for a person: what is wrong, where (file, shard or key), and how to fix it.
    """
