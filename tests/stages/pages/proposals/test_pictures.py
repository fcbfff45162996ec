"""Thumbnails and crops."""

import io

import numpy as np
import torch
from PIL import Image
from support.browsed_runs import (
    VIEWS,
)

from ezsd.stages.pages.proposals.pictures import crop_sheet, thumbnail
from ezsd.teacher.crops import square_crops


def test_the_sheet_holds_the_crops_that_the_teacher_saw(random_photo) -> None:
    photo = random_photo(60, 90)
    boxes_xyxy = np.array([[0, 0, 20, 40], [30, 10, 80, 50]], np.float32)
    sheet = Image.open(io.BytesIO(crop_sheet(photo, boxes_xyxy, VIEWS, 64)))
    assert sheet.size == (128, 128)
    tile = np.asarray(sheet.convert("RGB").crop((64, 0, 128, 64)), float)
    crop = square_crops(photo, torch.from_numpy(boxes_xyxy[:1]), 1.2, 64)[0].permute(1, 2, 0).numpy()
    assert np.abs(tile - crop).mean() < 30  # WebP at this quality, on noise
    left, middle = tile[:, :8].mean(), tile[:, 28:36].mean()
    assert left < 10 < middle  # a tall box stands in the middle of black


def test_a_large_photo_becomes_a_thumbnail(random_photo) -> None:
    assert Image.open(io.BytesIO(thumbnail(random_photo(500, 1000)))).size == (384, 192)
    assert Image.open(io.BytesIO(thumbnail(random_photo(30, 40)))).size == (40, 30)
