"""Scoring: dicts and arrays in, numbers out. Shares are in percent, as the field prints them."""
