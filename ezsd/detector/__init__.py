"""The student: a two-stage detector whose classifier is a list of text embeddings.

`detector` joins `backbone`, `rpn` and `roi_heads`; the heads are `box_head`, `classifier`, `regressor` (idea
3: it reads the name's text embedding) and `mask_head` (not the paper's). It never imports the teacher, whose
embeddings it reads from disk.
"""
