"""The vision-language model that teaches: loading, re-normalizing and asking it."""
