"""The format of every artifact on disk: layout, readers, writers, manifest and checks."""
