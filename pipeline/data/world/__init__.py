"""A small drawn world for zero-shot detection: a name is a texture and a shape, and some pairs have no box.

It has two domains: clean web pictures with captions train a teacher; scenes in bad weather train and test a
detector. All of it is drawn by this code.
"""
