"""Scores: dicts and arrays in, numbers out. Results are in percent, as the field prints them.

`average_precision` (COCO), `federated` (LVIS) and `voc` score detections by the rules of a data set; `groups`
averages over base and novel; `diagnostics` and `error_types` explain a score; `metrics` joins everything. Not
the paper's: `ensemble`, which needs the teacher at test time.
"""
