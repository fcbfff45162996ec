"""What `ezsd-cli inspect` shows of the artifacts."""
