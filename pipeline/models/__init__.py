"""Finds and loads the teacher, backbone and detector that the params name."""

BUNDLED, RANDOM, TAG = "bundled", "random", "tag:"
"""Weights that are not a file of the user: packaged, random, and published under a tag."""
