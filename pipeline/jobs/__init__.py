"""The work of each stage on a shard, a photo or a step, as picklable jobs for workers."""
