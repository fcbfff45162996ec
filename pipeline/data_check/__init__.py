"""A report on a data set for its owner: what it holds and what is wrong; no stage reads it."""
