import json
import os
import sys
import types

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ezsd.errors import InputError
from ezsd.teacher.load import load_teacher
from ezsd.teacher.open_clip_build import build_model
from ezsd.teacher.source import TeacherSource


def save_weights(path, config_text, seed, dtype=torch.float32):
    model = build_model(json.loads(config_text), seed)
    save_file({name: value.to(dtype).contiguous() for name, value in model.state_dict().items()}, str(path))
    return str(path)


def test_embeddings_have_unit_length_and_the_stated_size(tiny_teacher):
    crops = torch.zeros((3, 3, 32, 32), dtype=torch.uint8)
    images = tiny_teacher.encode_images(tiny_teacher.pixels(crops))
    names = tiny_teacher.encode_texts(["a photo of a dog", "a photo of a fire hydrant"])
    assert images.shape == (3, tiny_teacher.dim) and names.shape == (2, tiny_teacher.dim)
    assert torch.allclose(images.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(names.norm(dim=1), torch.ones(2), atol=1e-5)
    assert tiny_teacher.logit_scale == pytest.approx(1 / 0.07, rel=1e-4)


def test_no_names_and_no_crops(tiny_teacher):
    assert tiny_teacher.encode_texts([]).shape == (0, 16)


def test_pixels_are_scaled_and_normalised_once(tiny_teacher):
    white = tiny_teacher.pixels(torch.full((1, 3, 32, 32), 255, dtype=torch.uint8))
    assert white[0, 0, 0, 0].item() == pytest.approx((1 - 0.48145466) / 0.26862954, rel=1e-5)


def test_the_same_seed_gives_the_same_random_teacher(tiny_config_text):
    one, two, other = (
        load_teacher(TeacherSource("tiny", config_text=tiny_config_text, seed=seed)) for seed in (1, 1, 2)
    )
    names = [teacher.encode_texts(["dog"]) for teacher in (one, two, other)]
    assert torch.equal(names[0], names[1])
    assert not torch.equal(names[0], names[2])


def test_loading_leaves_the_callers_randomness_alone(tiny_config_text):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_teacher(TeacherSource("tiny", config_text=tiny_config_text))
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_weights_of_a_file_are_used(tiny_config_text, tmp_path, dtype):
    file = save_weights(tmp_path / "w.safetensors", tiny_config_text, seed=7, dtype=dtype)
    loaded = load_teacher(TeacherSource("tiny", config_text=tiny_config_text, weights_file=file))
    drawn = load_teacher(TeacherSource("tiny", config_text=tiny_config_text, seed=7))
    names = [teacher.encode_texts(["dog"]) for teacher in (loaded, drawn)]
    assert torch.allclose(*names, atol=5e-3)
    assert names[0].dtype == torch.float32


def test_a_training_checkpoint_is_read_too(tiny_config_text, tmp_path):
    model = build_model(json.loads(tiny_config_text), 7)
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}},
        tmp_path / "c.pt",
    )
    source = TeacherSource("tiny", config_text=tiny_config_text, weights_file=str(tmp_path / "c.pt"))
    drawn = load_teacher(TeacherSource("tiny", config_text=tiny_config_text, seed=7))
    assert torch.equal(load_teacher(source).encode_texts(["dog"]), drawn.encode_texts(["dog"]))


def test_weights_of_another_architecture_are_refused_in_one_sentence(tiny_config_text, tmp_path):
    config = json.loads(tiny_config_text)
    config["vision_cfg"]["width"] = 48
    file = save_weights(tmp_path / "other.safetensors", json.dumps(config), seed=0)
    with pytest.raises(InputError, match=r"other\.safetensors belongs to another architecture") as error:
        load_teacher(TeacherSource("tiny", config_text=tiny_config_text, weights_file=file))
    assert "\n" not in str(error.value)


def test_a_pickle_with_code_is_not_run(tiny_config_text, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"state_dict": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(InputError, match=r"trap\.pt holds code"):
        load_teacher(
            TeacherSource("tiny", config_text=tiny_config_text, weights_file=str(tmp_path / "trap.pt"))
        )
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.pt", "absent.pt"])
def test_an_unreadable_file_is_named(tiny_config_text, tmp_path, name):
    if not name.startswith("absent"):
        (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(InputError, match=name) as error:
        load_teacher(TeacherSource("tiny", config_text=tiny_config_text, weights_file=str(tmp_path / name)))
    assert "\n" not in str(error.value)


def test_an_unknown_architecture_and_a_broken_config_are_named():
    with pytest.raises(InputError, match="'ViT-Z-99'"):
        load_teacher(TeacherSource("ViT-Z-99"))
    with pytest.raises(InputError, match=r"own\.json is not JSON"):
        load_teacher(TeacherSource("own.json", config_text="{"))
    with pytest.raises(InputError, match=r"own\.json lacks 'text_cfg'"):
        load_teacher(TeacherSource("own.json", config_text='{"embed_dim": 8, "vision_cfg": {}}'))


def test_a_tokenizer_that_is_not_there_is_one_sentence(tiny_config_text):
    config = json.loads(tiny_config_text)
    config["text_cfg"]["hf_tokenizer_name"] = "no-such-vocabulary-here"
    with pytest.raises(InputError, match="tokenizer of tiny is not on this machine"):
        load_teacher(TeacherSource("tiny", config_text=json.dumps(config)))


def test_siglips_bias_and_own_preprocessing_are_taken(tiny_config_text):
    model = json.loads(tiny_config_text) | {"init_logit_bias": -10.0, "custom_text": True}
    config = {"model_cfg": model, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    teacher = load_teacher(TeacherSource("sig", config_text=json.dumps(config)))
    assert teacher.logit_bias == pytest.approx(-10)
    assert teacher.pixels(torch.zeros((1, 3, 2, 2), dtype=torch.uint8)).unique().tolist() == [-1.0]


class ColourTeacher:
    """A teacher that is not open_clip: mean colour through a LayerNorm, texts by their letters."""

    def __init__(self):
        self.image_size, self.dim, self.logit_scale, self.logit_bias = 8, 3, 10.0, 0.0
        self.image_tower, self.text_tower = nn.LayerNorm(3), nn.LayerNorm(3)
        self.device = torch.device("cpu")

    def to(self, device):
        return self

    def pixels(self, crops):
        return crops.float() / 255

    def encode_images(self, pixels):
        return nn.functional.normalize(self.image_tower(pixels.mean(dim=(2, 3))), dim=1)

    def encode_texts(self, texts):
        letters = torch.tensor([[len(text), text.count("a"), text.count("o")] for text in texts]).float()
        return nn.functional.normalize(self.text_tower(letters), dim=1)


@pytest.fixture
def plug(monkeypatch):
    module = types.ModuleType("plugged_teacher")
    module.make, module.number, module.half = ColourTeacher, 7, lambda: nn.LayerNorm(3)
    monkeypatch.setitem(sys.modules, "plugged_teacher", module)


def test_a_factory_gives_any_teacher_that_meets_the_protocol(plug):
    teacher = load_teacher(TeacherSource("", factory="plugged_teacher:make"))
    assert isinstance(teacher, ColourTeacher)
    assert not any(parameter.requires_grad for parameter in teacher.image_tower.parameters())


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("plugged_teacher", "package.module:function"),
        ("no_such_module:make", "cannot be imported"),
        ("plugged_teacher:absent", "no function 'absent'"),
        ("plugged_teacher:number", "no function 'number'"),
        ("plugged_teacher:half", "without image_size"),
    ],
)
def test_a_wrong_factory_is_refused_with_the_reason(plug, factory, message):
    with pytest.raises(InputError, match=message):
        load_teacher(TeacherSource("", factory=factory))


@pytest.mark.parametrize("name", ["hf-hub:owner/name", "local-dir:/tmp", "hf_hub:owner/name"])
def test_a_hubs_name_is_not_looked_up(name, no_network):
    with pytest.raises(InputError, match="names of a hub or a folder are not read"):
        load_teacher(TeacherSource(name))


@pytest.mark.parametrize(
    "tower, key, value, words",
    [
        ("vision_cfg", "timm_model_name", "hf-hub:timm/resnet18", "timm has no model 'hf-hub:timm/resnet18'"),
        ("text_cfg", "hf_model_name", "owner/name", "would be fetched from the network"),
        ("text_cfg", "hf_tokenizer_name", "owner/name", "is not on this machine"),
    ],
)
def test_a_config_file_leads_nowhere(tiny_config_text, tower, key, value, words, no_network):
    config = json.loads(tiny_config_text)
    config[tower][key] = value
    with pytest.raises(InputError, match=words):
        load_teacher(TeacherSource("own.json", config_text=json.dumps(config)))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"vision_cfg": 3}, "vision_cfg"),
        ({"text_cfg": []}, "text_cfg"),
        ({"embed_dim": 10**400}, "embed_dim"),
        ({"vision_cfg": {"layers": 10**9}}, r"vision_cfg\.layers"),
        ({"vision_cfg": {"image_size": 10**9}}, r"vision_cfg\.image_size"),
    ],
)
def test_impossible_configs_are_one_sentence(tiny_config_text, change, words):
    config = {**json.loads(tiny_config_text), **change}
    with pytest.raises(InputError, match=rf"own\.json: {words}.*: give an open_clip model config"):
        load_teacher(TeacherSource("own.json", config_text=json.dumps(config)))


def test_impossible_preprocessing_and_nesting_are_one_sentence(tiny_config_text):
    model = json.loads(tiny_config_text)
    for preprocess in (3, {"mean": "grey"}, {"std": [1, 2]}):
        text = json.dumps({"model_cfg": model, "preprocess_cfg": preprocess})
        with pytest.raises(InputError, match=r"own\.json: preprocess_cfg"):
            load_teacher(TeacherSource("own.json", config_text=text))
    with pytest.raises(InputError, match=r"own\.json is not JSON"):
        load_teacher(TeacherSource("own.json", config_text="[" * 100_000))


@pytest.mark.parametrize("factory", ["os:system", "antigravity:fly_to", "builtins:print", "os.path:exists"])
def test_a_factory_of_the_standard_library_is_neither_imported_nor_called(factory):
    with pytest.raises(InputError, match=f"'{factory}' is of Python's standard library"):
        load_teacher(TeacherSource("own", factory=factory))
    assert "antigravity" not in sys.modules


def test_what_a_module_took_from_the_standard_library_is_not_called(monkeypatch):
    module = types.ModuleType("borrowed")
    called = []
    module.leave, module.fails = os._exit, lambda: called.append(1) or 1 / 0
    monkeypatch.setitem(sys.modules, "borrowed", module)
    with pytest.raises(InputError, match="standard library"):
        load_teacher(TeacherSource("own", factory="borrowed:leave"))
    with pytest.raises(InputError, match=r"'borrowed:fails' failed \(ZeroDivisionError: division by zero\)"):
        load_teacher(TeacherSource("own", factory="borrowed:fails"))
    assert called == [1]


def test_a_vocabulary_smaller_than_the_tokenizers_is_refused_in_one_sentence(tiny_config_text):
    config = json.loads(tiny_config_text)
    config["text_cfg"]["vocab_size"] = 1000
    with pytest.raises(
        InputError, match=r"tiny: text_cfg\.vocab_size is 1000, but the tokenizer has 49408 words"
    ):
        load_teacher(TeacherSource("tiny", config_text=json.dumps(config)))
