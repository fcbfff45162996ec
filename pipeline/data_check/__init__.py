"""What is in a data set and what is wrong with it, for its owner; the pipeline itself reads none of this."""
