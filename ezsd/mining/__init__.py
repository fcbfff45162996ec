"""Idea 2: CLIP proposals, boxes of novel objects that CLIP itself finds (paper, section 3.3).

The paper's: `anchors` (the grid), `score` (certainty), `exhaustive` (the miner), `proposals` (its result).
Not the paper's: `cascade`, a miner with a tenth of the forwards, and `rpn`, the baseline of ViLD.
"""
