"""A probe's parts: disjoint, complete, and without a held-back name in what is tuned on."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezsd.errors import InputError
from ezsd.renorm.config import CheckConfig
from ezsd.renorm.held_back import hold_back
from ezsd.renorm.labelled_crops import LabelledCrops


def boxes_of(labels):
    """One crop for each label, whose pixels are the number of photo and box."""
    tensors = [torch.tensor(own, dtype=torch.int64) for own in labels]

    def crops(piece):
        rows = [[piece.photo, box, 0] for box in range(piece.start, piece.stop)]
        return torch.tensor(rows, dtype=torch.uint8).reshape(-1, 3, 1, 1)

    return LabelledCrops(tensors, [torch.full((len(own),), 0.1) for own in tensors], crops)


def crops_of(data, photo):
    return torch.cat([data.crops(piece) for piece in data.pieces([photo])])


def listed(data, names=None):
    """(photo, box, label) of all boxes."""
    return {
        (int(crop[0]), int(crop[1]), names[label] if names else label)
        for photo in range(len(data))
        for crop, label in zip(crops_of(data, photo)[:, :, 0, 0], data.labels[photo].tolist(), strict=True)
    }


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=4), min_size=2, max_size=12),
    st.floats(0.05, 0.9),
    st.integers(0, 9),
)
def test_the_parts_are_disjoint_and_what_is_tuned_on_has_no_held_back_name(labels, fraction, seed):
    data, config = boxes_of(labels), CheckConfig(held_back=fraction, seed=seed)
    try:
        parts = hold_back(data, config)
    except InputError:
        return
    tuned = listed(parts.tuned, parts.tuned_names)
    names, boxes = listed(parts.names), listed(parts.boxes)
    assert tuned and names and boxes
    assert tuned | names | boxes == listed(data)
    assert len(tuned) + len(names) + len(boxes) == sum(map(len, labels))
    assert {label for *_, label in names} == set(parts.held_names)
    assert {label for *_, label in tuned | boxes} <= set(parts.tuned_names)
    assert not {photo for photo, *_ in tuned} & {photo for photo, *_ in boxes}
    assert parts.held_names == hold_back(data, config).held_names


def test_a_photo_with_many_boxes_is_still_cut_in_pieces(monkeypatch):
    data = boxes_of([[0, 1, 2, 3, 0, 1, 2, 3, 0], [1, 0, 3, 2]])
    whole = hold_back(data, CheckConfig())
    monkeypatch.setattr("ezsd.renorm.labelled_crops.PIECE_BOXES", 2)
    parts = hold_back(data, CheckConfig())
    for name in ("tuned", "names", "boxes"):
        assert listed(getattr(parts, name)) == listed(getattr(whole, name))
    assert all(len(crops) <= 2 for crops in parts.tuned.ahead(range(len(parts.tuned))))


def test_a_fifth_of_names_and_photos_is_held_back():
    parts = hold_back(boxes_of([[photo % 10] * 2 for photo in range(50)]), CheckConfig())
    assert len(parts.held_names) == 2 and len(parts.tuned_names) == 8
    assert sum(map(len, parts.names.labels)) == 20
    photos = {photo for photo, *_ in listed(parts.boxes)}
    assert 5 <= len(photos) <= 10  # of ten, those without a held-back name


@pytest.mark.parametrize("labels", [[], [[0, 0], [0]], [[0, 1]]])
def test_too_few_boxes_are_an_error(labels):
    with pytest.raises(InputError, match="too few to hold some back"):
        hold_back(boxes_of(labels), CheckConfig())
