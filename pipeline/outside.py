"""Weights that are no file of the user's: packaged ones, random ones, and those published under a tag."""

BUNDLED, RANDOM, TAG = "bundled", "random", "tag:"
