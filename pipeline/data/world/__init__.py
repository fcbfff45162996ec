"""A small drawn world that asks the zero-shot question: names are texture and shape, some pairs have no box.

Two domains: clean web pictures with captions, from which a teacher learns, and scenes in bad weather, in
which a detector must find things. All of it is drawn; none of it is art of others.
"""

from ezsd.pipeline.data.world.coco import coco_annotations
from ezsd.pipeline.data.world.names import CATEGORY_IDS, NAMES, SHAPES, TEXTURES
from ezsd.pipeline.data.world.scenes import Scene, SceneObject, draw_scene
from ezsd.pipeline.data.world.web import WebPicture, draw_web_picture

__all__ = [
    "CATEGORY_IDS",
    "NAMES",
    "SHAPES",
    "TEXTURES",
    "Scene",
    "SceneObject",
    "WebPicture",
    "coco_annotations",
    "draw_scene",
    "draw_web_picture",
]
