"""Benchmarks of speed, size and quality: one per module, all of them with `make bench`."""
