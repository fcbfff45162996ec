"""What can be run: one module a stage, joined by `stages.cli` into `ezsd-cli`."""
