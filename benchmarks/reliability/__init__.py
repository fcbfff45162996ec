"""Shows that the pipeline loses nothing to failing disks, ended processes and hostile files."""
