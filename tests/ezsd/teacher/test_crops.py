import numpy as np
import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ezsd.errors import InputError
from ezsd.teacher import crops
from ezsd.teacher.crops import crop_windows, normalize_crops, square_crops


def picture(height, width, seed=0):
    """Smooth shapes and noise: flat areas as well as edges."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 3, 6, 6), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")[0]
    noise = torch.rand((3, height, width), generator=generator)
    return ((0.8 * smooth + 0.2 * noise) * 255).to(torch.uint8)


def pil_crop(photo, box_xyxy, context_factor, size, min_side=10):
    """The reference: one PIL crop, paste and resize a box."""
    height, width = photo.shape[1:]
    x0, y0, x1, y1 = box_xyxy
    half_w, half_h = (
        max((x1 - x0) * context_factor, min_side) / 2,
        max((y1 - y0) * context_factor, min_side) / 2,
    )
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = round(max(centre_x - half_w, 0)), round(max(centre_y - half_h, 0))
    right, bottom = round(min(centre_x + half_w, width)), round(min(centre_y + half_h, height))
    patch = Image.fromarray(photo.permute(1, 2, 0).numpy()).crop((left, top, right, bottom))
    side = max(patch.size)
    square = Image.new("RGB", (side, side))
    square.paste(patch, ((side - patch.width) // 2, (side - patch.height) // 2))
    resized = square.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)


BOXES = torch.tensor(
    [
        [10.0, 10, 60, 60],
        [0, 0, 200, 150],
        [180.3, 100.2, 199.9, 149.7],  # in the corner: the scaled box is clipped
        [20, 5, 30, 140],  # tall
        [5, 70, 190, 80],  # flat
        [50, 50, 52, 53],  # below the minimum side
    ]
)


@pytest.mark.parametrize("context_factor", [1.0, 1.2])
@pytest.mark.parametrize("size", [32, 64, 224])
def test_crops_agree_with_pil(context_factor, size):
    photo = picture(150, 200)
    ours = square_crops(photo, BOXES, context_factor, size)
    theirs = torch.stack([pil_crop(photo, box, context_factor, size) for box in BOXES.tolist()])
    difference = (ours.float() - theirs.float()).abs()
    assert difference.mean() < 0.1
    assert difference.max() <= 2


def test_embeddings_agree_with_the_pil_path():
    torch.manual_seed(0)
    tower = open_clip.create_model("ViT-S-32-alt", pretrained=None).eval()
    photo = picture(150, 200)
    ours = square_crops(photo, BOXES, 1.2, 224)
    theirs = torch.stack([pil_crop(photo, box, 1.2, 224) for box in BOXES.tolist()])
    with torch.inference_mode():
        cosine = torch.cosine_similarity(
            tower.encode_image(ours.float() / 255 - 0.5), tower.encode_image(theirs.float() / 255 - 0.5)
        )
    assert cosine.mean() >= 0.99


def test_padding_is_black_and_centred():
    photo = torch.full((3, 100, 100), 255, dtype=torch.uint8)
    crop = square_crops(photo, torch.tensor([[0.0, 0, 40, 20]]), 1.0, 40)[0, 0]
    assert (crop[:8] == 0).all() and (crop[32:] == 0).all()
    assert (crop[12:28] == 255).all()


def test_no_boxes_give_no_crops():
    none = square_crops(picture(20, 30), torch.empty((0, 4)), 1.2, 64)
    assert none.shape == (0, 3, 64, 64) and none.dtype == torch.uint8


def test_each_crop_is_the_same_alone_and_in_company():
    photo = picture(150, 200)
    together = square_crops(photo, BOXES, 1.2, 48)
    alone = torch.cat([square_crops(photo, box[None], 1.2, 48) for box in BOXES])
    assert torch.equal(together, alone)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.floats(-30, 130, allow_nan=False)] * 2),
    st.tuples(*[st.floats(0, 150, allow_nan=False)] * 2),
    st.sampled_from([1.0, 1.2, 1.5]),
)
def test_windows_are_never_empty_and_never_leave_the_photo(corner, sides, context_factor):
    box = torch.tensor([[*corner, corner[0] + sides[0], corner[1] + sides[1]]])
    x0, y0, x1, y1 = crop_windows(box, (60, 100), context_factor).tolist()[0]
    assert 0 <= x0 < x1 <= 100
    assert 0 <= y0 < y1 <= 60


def test_a_photo_of_another_type_is_refused():
    with pytest.raises(InputError, match="uint8"):
        square_crops(torch.zeros((3, 8, 8)), torch.empty((0, 4)), 1.0, 8)
    with pytest.raises(InputError, match=r"\(N, 4\)"):
        square_crops(picture(8, 8), torch.zeros((2, 5)), 1.0, 8)


@pytest.mark.parametrize("boxes", [BOXES, BOXES[:0]])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pixels_are_normalised_by_channel(boxes, layout):
    cut = square_crops(picture(150, 200), boxes, 1.0, 32).contiguous(memory_format=layout)
    mean, std = torch.tensor([10.0, 20, 30]), torch.tensor([2.0, 4, 8])
    expected = (cut.float() - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    assert torch.equal(normalize_crops(cut, mean, std), expected)


def test_both_ways_to_cut_agree():
    rows, windows = (
        picture(150, 200).permute(1, 2, 0).contiguous(),
        crops.crop_windows(BOXES, (150, 200), 1.2),
    )
    for side, members in crops._groups(windows):
        copied = crops._pad_to_squares(rows.numpy(), windows[members], side)
        assert torch.equal(crops._gather_squares(rows, windows[members], side), torch.from_numpy(copied))
    exact = crops._cut_on_cpu(rows, windows, 64).float() - crops._cut_on_gpu(rows, windows, 64).float()
    assert exact.abs().max() <= 1


def test_threads_change_no_crop():
    photo, before = picture(150, 200), torch.get_num_threads()
    cut = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        cut.append(square_crops(photo, BOXES, 1.2, 48))
    torch.set_num_threads(before)
    assert torch.equal(*cut)
