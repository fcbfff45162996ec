"""The page of `ezsd-cli data check`."""
