"""Idea 1: CLIP re-normalized to the detection domain (paper, section 3.2).

`norm_layers` finds the layers, `labelled_crops` gives the base boxes, `loss` and `tune` train, `measure`
describes the teacher before and after. Not the paper's: `statistics`, which needs no labels and no training.
"""
