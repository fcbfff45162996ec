"""VOC folders are read into the same tables."""

from pathlib import Path

import pytest

from ezsd.pipeline.data.checks import read_photos
from ezsd.pipeline.data.voc import VOC_NAMES, VocFolder
from ezsd.pipeline.errors import DataError


def thing(name: str, corners: tuple[object, ...], difficult: int = 0) -> str:
    tags = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, corners, strict=True))
    return f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>"


def xml(stem: str, *things: str, width: object = 500, height: object = 375) -> str:
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>{stem}.jpg</filename>{size}{''.join(things)}</annotation>"


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """A VOC folder with two listed photos; returns the list."""
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    listed = tmp_path / "ImageSets" / "Main" / "trainval.txt"
    listed.write_text("000012\n2008_000007\n")
    (tmp_path / "Annotations" / "000012.xml").write_text(
        xml(
            "000012",
            thing("sofa", (1, 1, 500, 375)),
            thing("dog", (9, 107, 499, 263), 1),
            thing("cat", (2, 3, 4.5, 6)),
        )
    )
    (tmp_path / "Annotations" / "2008_000007.xml").write_text(xml("2008_000007"))
    return listed


def rewrite(listed: Path, text: str) -> None:
    (listed.parents[2] / "Annotations" / "000012.xml").write_text(text)


def test_pixels_counted_from_one_become_edges_counted_from_zero(voc):
    boxes = VocFolder(voc).boxes(["sofa", "cat"])
    assert boxes.boxes_xyxy.tolist() == [[0, 0, 500, 375], [1, 2, 4.5, 6]]
    assert boxes.labels.tolist() == [0, 1]
    assert boxes.image_ids.tolist() == [1, 1]


def test_difficult_objects_are_crowd(voc):
    assert VocFolder(voc).boxes(["dog", "cat"]).crowd.tolist() == [True, False]


def test_photos_come_in_the_lists_order(voc):
    photos = VocFolder(voc).photos()
    assert photos.ids.tolist() == [1, 2]
    assert photos.file_names == ("000012.jpg", "2008_000007.jpg")
    assert photos.sizes_wh.tolist() == [[500, 375], [500, 375]]


def test_ids_do_not_depend_on_other_names(voc):
    before = VocFolder(voc).boxes(["dog", "cat"]).annotation_ids.tolist()
    rewrite(voc, xml("000012", thing("dog", (9, 107, 499, 263), 1), thing("cat", (2, 3, 4.5, 6))))
    assert VocFolder(voc).boxes(["dog", "cat"]).annotation_ids.tolist() == before == [1001, 1002]


def test_boxes_of_other_names_are_not_read(voc):
    rewrite(voc, xml("000012", thing("sofa", ("?", "", 3, 3)), thing("dog", (9, 107, 499, 263))))
    assert len(VocFolder(voc).boxes(["dog"])) == 1
    with pytest.raises(DataError, match="xmin of a sofa is '\\?', not a number"):
        VocFolder(voc).boxes(["sofa"])


def test_categories_are_vocs_and_ones_own(voc):
    assert len(VOC_NAMES) == 20
    rewrite(voc, xml("000012", thing("zebra", (1, 1, 5, 5))))
    names = [category.name for category in VocFolder(voc).categories()]
    assert names == [*VOC_NAMES, "zebra"]


def test_a_list_of_one_class_has_a_second_column(voc):
    voc.write_text("000012 -1\n2008_000007  1\n")
    assert VocFolder(voc).photos().file_names == ("000012.jpg", "2008_000007.jpg")


def test_photos_without_objects_have_no_boxes(voc):
    voc.write_text("2008_000007\n")
    assert VocFolder(voc).boxes(["cat"]).boxes_xyxy.shape == (0, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no photo"),
        ("../000012\n", "is a path"),
        ("absent\n", r"absent\.xml does not exist"),
        ("000012\n000012\n", "images 1 and 2 both name the file '000012.jpg'"),
    ],
)
def test_a_faulty_list_is_refused(voc, text, message):
    voc.write_text(text)
    with pytest.raises(DataError, match=message):
        read_photos(VocFolder(voc))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation>", "broken XML"),
        ("", "broken XML"),
        (xml("000012", width="wide"), "size/width of the photo is 'wide'"),
        (xml("000012", height=0), "size/height is 0, not a size"),
        ("<annotation><size><width>5</width><height>5</height></size></annotation>", "has no <filename>"),
        (xml("000012", "<object><bndbox/></object>"), "<object> has no <name>"),
    ],
)
def test_a_faulty_xml_is_named(voc, text, message):
    rewrite(voc, text)
    with pytest.raises(DataError, match=message) as error:
        read_photos(VocFolder(voc))
    assert "000012.xml" in str(error.value)


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(DataError, match=r"test\.txt does not exist"):
        VocFolder(tmp_path / "ImageSets" / "Main" / "test.txt")


def test_a_list_outside_a_voc_folder_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("000012\n")
    with pytest.raises(DataError, match="must be in ImageSets/Main"):
        VocFolder(tmp_path / "list.txt")


ENTITIES = "".join(
    f'<!ENTITY {new} "{f"&{old};" * 20}">' for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0" encoding="bogus"?><annotation/>',
        f'<!DOCTYPE x [<!ENTITY a "{"x" * 1000}">{ENTITIES}]><annotation>&g;</annotation>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><annotation>&a;</annotation>',
        "<a>" * 100_000,
    ],
)
def test_hostile_xml_is_a_sentence(voc: Path, text: str) -> None:
    (voc.parents[2] / "Annotations" / "000012.xml").write_text(text)
    with pytest.raises(DataError, match=r"000012\.xml is broken XML"):
        read_photos(VocFolder(voc))
