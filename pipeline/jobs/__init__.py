"""What a stage does with a shard, a photo or a step: picklable work that workers run."""
