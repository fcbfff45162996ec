"""How it is run: typed params, stages, shards, executors, resume and progress."""
