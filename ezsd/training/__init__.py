"""How the student is trained: tensors in, weights out. Knows no path and no teacher."""
