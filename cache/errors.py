"""The error of the cache."""


class ArtifactError(RuntimeError):
    """An artifact cannot be written, or a file on disk cannot be used.

    The message is one sentence: what is wrong, where (file, shard or key), and how to fix it.
    """
