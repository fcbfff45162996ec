"""`ezsd-cli`, a file a command; nothing heavy is imported before it is needed."""
