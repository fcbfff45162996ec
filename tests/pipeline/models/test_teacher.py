"""From `params.teacher` to files on this machine."""

import socket
import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.teacher_runs import colour_params, context_of, prepare_colours

from ezsd import network
from ezsd.cache.artifacts import Renormed
from ezsd.cache.errors import ArtifactError
from ezsd.errors import InputError
from ezsd.pipeline.models.teacher import RenormalizedTeacher
from ezsd.pipeline.models.teacher_source import resolve_teacher, teacher_digests, weights_digest
from ezsd.pipeline.params import TeacherParams
from ezsd.stages import embed, mine, renorm
from ezsd.teacher import source as teacher_source
from ezsd.teacher.load import load_teacher
from ezsd.teacher.open_clip_build import build_model, parse_config
from ezsd.teacher.source import TeacherSource


def params(**changes: str | int | None) -> TeacherParams:
    plain = {"model": "world-teacher", "weights": "bundled", "templates": "paper", "seed": 0}
    return TeacherParams(text_names={}, **{**plain, **changes})


def test_the_bundled_teacher_is_in_the_package(tmp_path: Path) -> None:
    teacher = load_teacher(resolve_teacher(params(), tmp_path))
    assert teacher.image_size == 64
    assert teacher.encode_texts(["a striped fish"]).shape == (1, teacher.dim)


def test_paths_start_at_the_root_and_their_contents_decide(tmp_path: Path) -> None:
    digests = []
    for name in ("here", "there"):
        prepare_colours(tmp_path / name)
        source = resolve_teacher(params(model="tiny.json", weights="random"), tmp_path / name)
        digests.append(teacher_digests(source))
    assert digests[0] == digests[1]
    text = (tmp_path / "here/tiny.json").read_text()
    (tmp_path / "here/tiny.json").write_text(text.replace('"layers": 2', '"layers": 3'))
    source = resolve_teacher(params(model="tiny.json", weights="random"), tmp_path / "here")
    assert teacher_digests(source) != digests[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "nowhere.safetensors"}, r"nowhere\.safetensors is not a file"),
        ({"model": "nowhere.json"}, r"nowhere\.json cannot be read"),
        ({"model": "ViT-B-32"}, "bundled belong to teacher.model world-teacher"),
        (
            {"model": "ViT-B-32", "weights": "tag:nonsense"},
            "no weights 'nonsense' of ViT-B-32: it knows openai",
        ),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resolve_teacher(params(**changes), tmp_path)


def test_published_weights_without_network_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(config: dict) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("open_clip.download_pretrained", no_network)
    with pytest.raises(InputError, match="cannot be fetched") as error:
        resolve_teacher(params(model="ViT-B-32-quickgelu", weights="tag:openai"), tmp_path)
    assert "\n" not in str(error.value)


def test_a_factorys_weights_are_in_the_fingerprint(
    tmp_path: Path, tiny_config_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("own_teacher")
    module.make = lambda: load_teacher(TeacherSource("tiny", config_text=tiny_config_text, seed=module.seed))
    monkeypatch.setitem(sys.modules, "own_teacher", module)
    source = resolve_teacher(params(factory="own_teacher:make"), tmp_path)
    digests = []
    for module.seed in (1, 1, 2):
        digests.append(teacher_digests(source)["weights"])
    assert digests[0] == digests[1] != digests[2]
    assert digests[2] == weights_digest(load_teacher(source))


def test_a_missing_or_damaged_renormalization_says_what_to_run(tmp_path: Path) -> None:
    prepare_colours(tmp_path)
    given = colour_params()
    teacher = RenormalizedTeacher(resolve_teacher(given.teacher, tmp_path), Renormed(tmp_path), given.run)
    with pytest.raises(ArtifactError, match="missing; run: ezsd-cli precompute --only renorm"):
        teacher.load()
    Renormed(tmp_path).norms.write_bytes(b"no safetensors")
    with pytest.raises(ArtifactError, match="damaged; run: ezsd-cli precompute --only renorm"):
        teacher.load()


def test_a_process_loads_the_same_teacher_once(tmp_path: Path) -> None:
    prepare_colours(tmp_path)
    given = colour_params()
    teacher = RenormalizedTeacher(resolve_teacher(given.teacher, tmp_path), Renormed(tmp_path), given.run)
    save_file({"image.ln_pre.bias": torch.full((32,), 2.0)}, Renormed(tmp_path).norms)
    first = teacher.load()
    assert teacher.load() is first
    assert first.image_tower.ln_pre.bias.unique().tolist() == [2.0]
    save_file({"image.ln_pre.bias": torch.full((32,), 3.0)}, Renormed(tmp_path).norms)
    assert teacher.load().image_tower.ln_pre.bias.unique().tolist() == [3.0]


def write_weights(path: Path, config_text: str, seed: int) -> None:
    config, _ = parse_config(config_text, "tiny")
    save_file(build_model(config, seed).state_dict(), path)


def test_weights_that_were_swapped_after_renorm_are_refused(tmp_path: Path, tiny_config_text: str) -> None:
    prepare_colours(tmp_path)
    overrides = ["teacher.weights=own.safetensors"]
    write_weights(tmp_path / "own.safetensors", tiny_config_text, seed=1)
    renorm.run(context_of("renorm", tmp_path, overrides))
    write_weights(tmp_path / "own.safetensors", tiny_config_text, seed=2)
    for stage in (mine, embed):
        context = context_of(stage.__name__.removeprefix("ezsd.stages."), tmp_path, overrides)
        with pytest.raises(
            ArtifactError, match=r"weights changed .* run: ezsd-cli precompute --only renorm$"
        ):
            stage.run(context)


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network, "NETWORK_SECONDS", 0.2)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/weights.pt"
        monkeypatch.setattr("open_clip.get_pretrained_cfg", lambda model, tag: {"url": url})
        with pytest.raises(InputError, match=r"cannot be fetched \(TimeoutError\): fetch them once"):
            teacher_source.download_weights("ViT-B-32", "openai")
    assert socket.getdefaulttimeout() is None
