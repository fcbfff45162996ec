"""The method: tensors in, tensors out. Knows no path."""
