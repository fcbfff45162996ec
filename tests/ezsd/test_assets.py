"""The shipped networks: small and loadable; the teacher is good on web pictures and poor on scenes."""

import json
from functools import cache
from importlib import resources

import open_clip
import torch
from PIL import Image
from torch import Tensor, nn

from ezsd.pipeline.data.world.names import NAMES
from ezsd.pipeline.data.world.scenes import draw_scene
from ezsd.pipeline.data.world.web import draw_web_picture

ASSETS = resources.files("ezsd") / "assets"
TEST_SEED = 77


@cache
def teacher() -> tuple[open_clip.CLIP, object, Tensor]:
    """Model, its own preprocessing, and the embeddings of all 65 names."""
    open_clip.add_model_config(str(ASSETS / "world-teacher.json"))
    weights = str(ASSETS / "world-teacher.safetensors")
    model, _, preprocess = open_clip.create_model_and_transforms("world-teacher", pretrained=weights)
    model.eval()
    tokens = open_clip.get_tokenizer("world-teacher")([f"a photo of a {name}" for name in NAMES])
    with torch.inference_mode():
        return model, preprocess, model.encode_text(tokens, normalize=True)


def accuracy(pictures: list[tuple[Image.Image, str]]) -> float:
    model, preprocess, texts = teacher()
    with torch.inference_mode():
        images = model.encode_image(torch.stack([preprocess(image) for image, _ in pictures]), normalize=True)
        named = (images @ texts.T).argmax(dim=1).tolist()
    return sum(NAMES[row] == name for row, (_, name) in zip(named, pictures, strict=True)) / len(pictures)


def web_pictures() -> list[tuple[Image.Image, str]]:
    drawn = [draw_web_picture(TEST_SEED, "test", index) for index in range(650)]
    return [(Image.fromarray(picture.image), picture.name) for picture in drawn]


def boxes_of_scenes(count: int) -> list[tuple[Image.Image, str]]:
    """Ground-truth boxes of scenes, 1.2 times as large, padded with black to squares of 64 pixels."""
    crops = []
    for index in range(count):
        scene = draw_scene(TEST_SEED, "test", index)
        photo = Image.fromarray(scene.image)
        for thing in scene.objects:
            if thing.crowd:
                continue
            x0, y0, x1, y1 = thing.box_xyxy
            dx, dy = 0.1 * (x1 - x0), 0.1 * (y1 - y0)
            corners = max(x0 - dx, 0), max(y0 - dy, 0), min(x1 + dx, photo.width), min(y1 + dy, photo.height)
            crop = photo.crop(tuple(round(corner) for corner in corners))
            square = Image.new("RGB", (max(crop.size), max(crop.size)))
            square.paste(crop, ((square.width - crop.width) // 2, (square.height - crop.height) // 2))
            crops.append((square.resize((64, 64), Image.Resampling.BICUBIC), thing.category))
    return crops


def test_it_knows_fresh_web_pictures_and_loses_at_least_fifteen_points_on_scenes():
    web, scenes = accuracy(web_pictures()), accuracy(boxes_of_scenes(60))
    assert web >= 0.85
    assert web - scenes >= 0.15
    assert scenes > 5 / len(NAMES)


def test_its_image_tower_has_layer_norms_and_its_text_tower_takes_any_name():
    model, _, texts = teacher()
    assert sum(isinstance(module, nn.LayerNorm) for module in model.visual.modules()) >= 8
    assert texts.shape == (65, 64)
    tokens = open_clip.get_tokenizer("world-teacher")(
        ["a photo of a tartan hippopotamus with a very long name" * 3]
    )
    assert torch.isfinite(model.encode_text(tokens)).all()


def test_the_assets_fit_in_the_package():
    total = sum((ASSETS / f"world-{part}.safetensors").stat().st_size for part in ("teacher", "backbone"))
    assert total <= 12 * 2**20


def test_the_backbone_loads_into_the_features_model_of_its_config():
    import timm
    from safetensors.torch import load_file

    config = json.loads((ASSETS / "world-backbone.json").read_text())
    model = timm.create_model(config["timm_name"], features_only=True, **config["kwargs"])
    model.load_state_dict(load_file(str(ASSETS / config["weights"])))
    features = model.eval()(torch.zeros(1, 3, 64, 96))
    assert [tuple(feature.shape[2:]) for feature in features] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
