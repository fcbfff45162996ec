"""Readers of the data, one a format (coco, lvis, voc, and the drawn world), and the index made from them.

A reader turns an annotation file into `tables`; `checks` refuses or cleans them; `views` are what training,
validation and evaluation may see; `prepared` is the index on disk, read by `training_photos`.
"""
