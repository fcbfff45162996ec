"""The teacher: CLIP, loaded and used to embed names and crops of boxes.

`protocol` says what a teacher is, `load` finds and builds one, `prompts` and `name_embeddings` embed names,
`crops` and `box_encoder` embed boxes. Not the paper's: `dense_maps`, which only the cascade miner needs.
"""
