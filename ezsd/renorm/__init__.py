"""Idea 1: CLIP re-normalized to the detection domain (paper, section 3.2)."""
