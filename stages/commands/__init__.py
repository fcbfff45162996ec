"""`ezsd-cli`, a file for each command; heavy modules are imported when a command runs."""
