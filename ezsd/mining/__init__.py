"""Boxes that CLIP itself proposes, novel objects among them (paper, section 3.3)."""
