"""The losses of training, one a file. Not the paper's: `SeesawLoss` in `classification`."""
