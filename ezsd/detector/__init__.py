"""The student: a two-stage detector whose classifier is a list of text embeddings.

It never imports the teacher: the two meet on disk alone.
"""
