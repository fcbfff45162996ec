"""Pseudo boxes (not the paper's: DST-Det, SAS-Det): mined boxes that training does not count as background.

`calibration` says how likely a proposal is right, from base boxes alone; `selection` chooses and refines.
"""
