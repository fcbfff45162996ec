"""Which teacher, backbone and detector the params mean on this machine, from their files."""

BUNDLED, RANDOM, TAG = "bundled", "random", "tag:"
"""Weights that are not a file of the user: packaged, random, and published under a tag."""
