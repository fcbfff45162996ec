"""Estimates the cost of each stage before a run."""
