import json

import pytest
import torch

from ezsd.renorm.measure import watch_norm_layers
from ezsd.renorm.norm_layers import find_norm_layers
from ezsd.renorm.statistics import renormalize_by_statistics
from ezsd.teacher.load import load_teacher
from ezsd.teacher.source import TeacherSource


def pictures(seed, low, high, count=24):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(low, high, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)


def moments(teacher, crops):
    with torch.no_grad(), watch_norm_layers(find_norm_layers(teacher, "image")) as found:
        teacher.encode_images(teacher.pixels(crops))
    return found


def test_layer_norms_put_out_on_boxes_what_they_put_out_on_photos(tiny_teacher):
    photos, boxes = pictures(0, 0, 256), pictures(1, 90, 140)
    reference = moments(tiny_teacher, photos)
    gap_before = {
        name: (found.mean - reference[name].mean).abs().mean()
        for name, found in moments(tiny_teacher, boxes).items()
    }
    renormalize_by_statistics(tiny_teacher, photos, boxes)
    for name, found in moments(tiny_teacher, boxes).items():
        assert torch.allclose(found.mean, reference[name].mean, atol=1e-3)
        assert (found.mean - reference[name].mean).abs().mean() < gap_before[name]


def test_batch_norms_take_the_boxes_statistics(tiny_config_text):
    config = json.loads(tiny_config_text)
    config["vision_cfg"] = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16, "head_width": 16}
    teacher = load_teacher(TeacherSource("tiny", config_text=json.dumps(config)))
    gamma = teacher.image_tower.bn1.weight.clone()
    renormalize_by_statistics(teacher, pictures(0, 0, 256), pictures(1, 90, 140))
    found = moments(teacher, pictures(1, 90, 140))["image.bn1"]
    # normalised with their own statistics, the outputs have mean beta and variance gamma squared
    assert torch.allclose(found.mean, teacher.image_tower.bn1.bias.double(), atol=1e-3)
    assert torch.allclose(found.variance, gamma.double().square(), atol=1e-2)
    assert torch.equal(teacher.image_tower.bn1.weight, gamma)


def test_the_text_tower_and_frozen_weights_stay(tiny_teacher):
    text = tiny_teacher.encode_texts(["dog"])
    conv = tiny_teacher.image_tower.conv1.weight.clone()
    renormalize_by_statistics(tiny_teacher, pictures(0, 0, 256), pictures(1, 90, 140))
    assert torch.equal(tiny_teacher.encode_texts(["dog"]), text)
    assert torch.equal(tiny_teacher.image_tower.conv1.weight, conv)


def test_one_picture_each_is_enough_not_to_fail(tiny_teacher):
    renormalize_by_statistics(tiny_teacher, pictures(0, 0, 256, 1), pictures(1, 5, 6, 1))
    embedding = tiny_teacher.encode_images(tiny_teacher.pixels(pictures(2, 0, 256, 2)))
    assert torch.isfinite(embedding).all()
    assert embedding.norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-4)
