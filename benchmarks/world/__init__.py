"""Whether the drawn world can answer the paper's questions: the gates of `docs/world.md`, on design seeds."""
