"""Findings: results that look wrong although nothing failed, each with a number and a threshold."""
