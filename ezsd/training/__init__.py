"""Training of the detector: tensors in, weights out; it knows no paths and never imports the teacher.

`targets` draws what a photo contributes to a step, `dataset` and `repeats` order the photos, `engine` takes
the steps, `losses/` has one loss a file. Not the paper's: `jitter`, and the Seesaw loss in
`losses/classification`.
"""
