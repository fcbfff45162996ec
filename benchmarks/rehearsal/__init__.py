"""A rehearsal: the pipeline's bookkeeping on data sets of COCO's and LVIS's shape, with tiny photos."""
