"""The public API: what `import ezsd` gives. This folder may use the pipeline; the rest of `ezsd/` may not."""
