import numpy as np

from ezsd.pipeline.data.world.names import NAMES, SHAPES, WORDS, parts_of
from ezsd.pipeline.data.world.web import OTHERS, draw_other_picture, draw_web_picture


def test_a_picture_drawn_alone_is_the_picture_drawn_in_a_row():
    row = [draw_web_picture(3, "test", index) for index in range(5)]
    again = draw_web_picture(3, "test", 4)
    assert np.array_equal(again.image, row[4].image) and again.caption == row[4].caption
    assert not np.array_equal(again.image, draw_web_picture(4, "test", 4).image)


def test_captions_mention_word_and_shape_in_several_phrasings():
    pictures = [draw_web_picture(0, "train", index) for index in range(130)]
    phrasings = set()
    for picture in pictures:
        word, shape = parts_of(picture.name)
        words = picture.caption.replace(",", "").split()
        assert word in words and shape in words
        phrasings.add(picture.caption.replace(word, "W").replace(shape, "S"))
    assert "a photo of a W S" in phrasings and "a S that is W" in phrasings
    assert len(phrasings) > 20


def test_pictures_cycle_through_the_given_names():
    asked = NAMES[10:13]
    drawn = [draw_web_picture(0, "train", index, asked).name for index in range(6)]
    assert drawn == [*asked, *asked]


def test_a_picture_shows_its_thing_large_and_in_the_middle():
    for index in range(65):
        image = draw_web_picture(0, "train", index).image
        assert image.shape == (64, 64, 3) and image.dtype == np.uint8
        corners = image[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
        assert np.abs(image[16:48, 16:48].astype(int) - np.median(corners, axis=0)).max() > 60


def test_pictures_of_no_category_name_none_in_their_captions():
    pictures = [draw_other_picture(0, "train", index) for index in range(30)]
    assert {picture.name for picture in pictures} == set(OTHERS)
    for picture in pictures:
        assert picture.image.shape == (64, 64, 3) and picture.image.dtype == np.uint8
        assert not set(picture.caption.split()) & {*SHAPES, *WORDS}
    assert np.array_equal(pictures[7].image, draw_other_picture(0, "train", 7).image)
