"""What lies on disk: the contract of every artifact, its reader, writer, manifest and check."""
