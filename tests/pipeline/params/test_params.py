"""Params are typed, frozen, and say which key is wrong."""

from dataclasses import FrozenInstanceError, replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ezsd.detector.config import DetectorConfig, MaskHeadConfig
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params import (
    PRESETS,
    EvaluateParams,
    MineParams,
    TrainParams,
    load_params,
    parse_params,
    plain_values,
    preset_text,
    select,
)
from ezsd.renorm.config import RenormConfig

DEMO = preset_text("demo")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid(preset: str) -> None:
    assert parse_params(preset_text(preset)).teacher.templates == "paper"


def test_params_are_frozen() -> None:
    params = parse_params(DEMO)
    with pytest.raises(FrozenInstanceError):
        params.mine.keep = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("mine.nms_iou=1.5", ["mine.nms_iou", "1.5"]),
        ("mine.nms_uio=0.5", ["unknown key", "mine.nms_uio"]),
        ("renorm.epochs=many", ["renorm.epochs", "many"]),
        ("renorm.epochs=0", ["renorm.epochs"]),
        ("teacher.templates=own", ["teacher.templates", "openai_80"]),
        ("teacher.templates=[]", ["teacher.templates", "openai_80"]),
        ("teacher.templates=['a {}', no braces]", ["teacher.templates", "'no braces'", "exactly once"]),
        ("teacher.templates=['{artcle} {}']", ["teacher.templates", "{artcle}"]),
        ("teacher.text_names={tvmonitor: []}", ["teacher.text_names.tvmonitor"]),
        ("teacher.text_names={tvmonitor: [television, ' ']}", ["teacher.text_names.tvmonitor.1"]),
        (
            "train.examples.jitter={smallest: 2, largest: 1}",
            ["train.examples.jitter", "smallest must not be above largest"],
        ),
        ("train.detector.backbone.depth=50", ["unknown key", "train.detector.backbone.depth"]),
        ("data.format=coco", ["data", "data.world"]),
        ("data.train_photos=photos", ["data", "no paths"]),
        ("data.format=voc", ["data", "data.world"]),
        ("nowhere.key=1", ["nowhere"]),
        ("mine", ["section.key=value"]),
        ("mine.names=strict", ["evaluate.probing", "set mine.names to known"]),
        ("mine.keep=[1", ["not YAML"]),
    ],
)
def test_a_wrong_override_names_its_key(override: str, words: list[str]) -> None:
    with pytest.raises(ParamsError) as error:
        parse_params(DEMO, ["evaluate.probing={}", override])
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_section_is_named() -> None:
    tree = yaml.safe_load(DEMO)
    del tree["embed"]
    with pytest.raises(ParamsError, match=r"'embed' is missing"):
        parse_params(yaml.safe_dump(tree))


def test_a_key_that_is_left_out_is_the_paper_s() -> None:
    tree = yaml.safe_load(DEMO)
    del tree["mine"]["scales"], tree["train"]["detector"]["rpn"]["nms_iou"]
    params = parse_params(yaml.safe_dump(tree))
    assert params.mine.scales == (1, 2, 4, 8, 16)
    assert params.train.detector.rpn.nms_iou == 0.7


DRAWN = {f"{which}_{what}" for which in ("train", "val") for what in ("photos", "annotations")}


def keys_of(tree: object, prefix: str = "") -> set[str]:
    if not isinstance(tree, dict) or not tree or prefix in ("teacher.text_names", "train.loss_factors"):
        return {prefix}
    return set[str]().union(*(keys_of(value, f"{prefix}.{key}".lstrip(".")) for key, value in tree.items()))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_shows_every_key(preset: str) -> None:
    shown, all_keys = (
        keys_of(tree)
        for tree in (yaml.safe_load(preset_text(preset)), plain_values(parse_params(preset_text(preset))))
    )
    # a world that is drawn has no paths
    assert all_keys - shown <= {f"data.{key}" for key in DRAWN}


def test_the_defaults_are_the_paper_s_recipe_for_coco() -> None:
    coco = parse_params(preset_text("coco", "1x"))
    assert replace(coco.renorm, check=None) == RenormConfig()
    assert replace(coco.mine, method="exhaustive") == MineParams()
    assert replace(coco.train, mixed_precision=False, loss_factors={}) == TrainParams(
        detector=DetectorConfig(mask_head=MaskHeadConfig())
    )
    assert replace(coco.evaluate, max_dets=(100,)) == EvaluateParams()


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "data: [", "just words"])
def test_a_file_that_holds_no_sections_is_refused(text: str) -> None:
    with pytest.raises(ParamsError, match="ezsd-cli init"):
        parse_params(text)


def test_a_missing_file_says_how_to_get_one(tmp_path) -> None:
    with pytest.raises(ParamsError, match="ezsd-cli init"):
        load_params(tmp_path / "params.yaml")


@given(st.floats(min_value=0, max_value=1))
def test_overrides_reach_their_key_and_no_other(value: float) -> None:
    params = parse_params(DEMO, [f"mine.base_iou={value!r}"])
    assert params.mine.base_iou == pytest.approx(value)
    assert replace(params, mine=parse_params(DEMO).mine) == parse_params(DEMO)


def test_select_gives_sections_and_single_keys() -> None:
    chosen = select(parse_params(DEMO), ["embed", "mine.keep"])
    assert chosen["mine.keep"] == parse_params(DEMO).mine.keep
    assert set(chosen["embed"]) == {"crops", "dtype", "batch"}


def test_own_names_can_be_the_split() -> None:
    params = parse_params(DEMO, ["data.split={base: [fish, cup], novel: [tree]}"])
    assert params.data.split.novel == ("tree",)  # type: ignore[union-attr]
