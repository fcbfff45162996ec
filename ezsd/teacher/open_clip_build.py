"""Builds open_clip architectures and loads weights into them, offline and without unpickling code."""

import json
import os
import pickle
from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any

import open_clip
import timm
import torch
from open_clip.convert import convert_state_dict
from open_clip.factory import load_state_dict
from open_clip.model import convert_to_custom_text_state_dict, resize_pos_embed, resize_text_pos_embed
from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn

from ezsd.errors import InputError

LARGEST = 1_000_000
"""Upper limit of sizes and counts in a config."""

Size = Annotated[int, Field(ge=1, le=LARGEST)]
Side = Annotated[int, Field(ge=1, le=4096)]
Channels = tuple[float, float, float]


class _Tower(BaseModel):
    """The values that decide a tower's size or name external code; open_clip checks the others."""

    width: Size | None = None
    layers: Annotated[int, Field(ge=1, le=1000)] | tuple[Annotated[int, Field(ge=1, le=1000)], ...] | None = (
        None
    )
    vocab_size: Size | None = None
    context_length: Size | None = None
    image_size: Side | tuple[Side, Side] | None = None
    timm_model_name: str | None = None
    hf_model_name: str | None = None
    hf_tokenizer_name: str | None = None
    tokenizer_kwargs: dict[str, Any] = {}


class _Preprocess(BaseModel):
    mean: Channels | None = None
    std: Channels | None = None


class _Form(BaseModel):
    embed_dim: Size
    vision_cfg: _Tower
    text_cfg: _Tower
    preprocess_cfg: _Preprocess


REQUIRED_KEYS = ("embed_dim", "vision_cfg", "text_cfg")


def architecture_config(name: str) -> dict[str, Any]:
    """The config of an open_clip architecture such as `ViT-B-32`; nothing is downloaded.

    Raises:
        InputError: there is no such architecture.
    """
    if ":" in name:  # hf-hub:OWNER/NAME and local-dir:PATH
        raise InputError(f"{name!r} is no architecture of open_clip: names of a hub or a folder are not read")
    config: dict[str, Any] | None = open_clip.get_model_config(name)
    if config is None:
        raise InputError(
            f"open_clip has no architecture {name!r}: choose one of open_clip.list_models(), "
            "or name a config file that ends in .json"
        )
    return config


def parse_config(text: str, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read an architecture and its preprocessing from the JSON text of a config.

    Args:
        text: in either of open_clip's forms: a bare architecture, or
            `{"model_cfg": ..., "preprocess_cfg": ...}`.
        where: name of the file, for errors.

    Returns:
        The architecture, and the preprocessing, which is empty when the text holds none.

    Raises:
        InputError: it is no such config.
    """
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON ({error}): give an open_clip model config") from None
    config = config if isinstance(config, dict) else {}
    model = config.get("model_cfg", config)
    if missing := [key for key in REQUIRED_KEYS if not isinstance(model, dict) or key not in model]:
        raise InputError(f"{where} lacks {missing[0]!r}: give an open_clip model config")
    try:
        form = _Form.model_validate({**model, "preprocess_cfg": config.get("preprocess_cfg", {})})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: {key}: {first['msg']}: give an open_clip model config") from None
    return model, form.preprocess_cfg.model_dump(exclude_none=True)


def require_local(config: Mapping[str, Any], where: str) -> None:
    """Raise InputError when building the architecture would download something."""
    timm_name, text_name = (
        config["vision_cfg"].get("timm_model_name"),
        config["text_cfg"].get("hf_model_name"),
    )
    if timm_name is not None and not timm.is_model(timm_name):
        raise InputError(f"{where}: timm has no model {timm_name!r}; names of a hub or a folder are not read")
    if text_name is not None and not os.path.isdir(text_name):
        raise InputError(
            f"{where}: its text tower {text_name!r} would be fetched from the network: give its weights as "
            "tag:NAME, or a folder as hf_model_name"
        )


def build_model(config: dict[str, Any], seed: int) -> nn.Module:
    """An open_clip model with random weights drawn from `seed`: float32, on the CPU, in evaluation mode."""
    config = deepcopy(config)
    custom_text = config.pop("custom_text", False) or "hf_model_name" in config["text_cfg"]
    if "timm_model_name" in config["vision_cfg"]:
        config["vision_cfg"]["timm_model_pretrained"] = False
    if "hf_model_name" in config["text_cfg"]:
        config["text_cfg"]["hf_model_pretrained"] = False
    kind = open_clip.CustomTextCLIP if custom_text else open_clip.CLIP
    if "multimodal_cfg" in config:
        kind = open_clip.CoCa
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = kind(**config)
        except Exception as error:  # towers come from three libraries, each with its own errors
            raise InputError(f"open_clip cannot build this teacher ({_first_line(error)})") from error
    return model.eval().requires_grad_(False)


def load_weights(model: nn.Module, file: str) -> None:
    """Load a weights file into `model`: safetensors, or a checkpoint that `torch.load` reads as weights only.

    Raises:
        InputError: the file cannot be read, holds more than weights, or belongs to another architecture.
    """
    state = _read_state(file)
    try:
        _fit_state(model, state)
    except (RuntimeError, KeyError, AssertionError, AttributeError, ValueError) as error:
        raise InputError(
            f"weights file {file} belongs to another architecture ({_mismatch(model, state)}): "
            "give weights of this one"
        ) from error


def _read_state(file: str) -> dict[str, Tensor]:
    try:
        state = load_state_dict(file, device="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"weights file {file} does not exist: correct its path") from None
    except pickle.UnpicklingError:
        raise InputError(
            f"weights file {file} holds code as well as weights, which is not run: save it as safetensors"
        ) from None
    except (SafetensorError, RuntimeError, OSError, EOFError, KeyError, ValueError, StopIteration) as error:
        raise InputError(
            f"weights file {file} cannot be read ({_first_line(error)}): give safetensors or a state dict"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"weights file {file} holds no state dict: give a mapping of names to tensors")
    return state


def _fit_state(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Load a state dict with the conversions that open_clip applies to a checkpoint."""
    state = dict(convert_state_dict(model, state))
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    for name in ("logit_scale", "logit_bias"):
        own = getattr(model, name, None)
        if own is not None and name in state:
            state[name] = state[name].reshape(own.shape)
    resize_pos_embed(state, model)
    resize_text_pos_embed(state, model)
    model.load_state_dict(state, strict=True)


def _mismatch(model: nn.Module, state: Mapping[str, Tensor]) -> str:
    own = model.state_dict()
    for name, value in own.items():
        if name not in state:
            return f"it lacks {name!r}"
        if state[name].shape != value.shape:
            return f"{name!r} is {tuple(state[name].shape)}, expected {tuple(value.shape)}"
    extra = next((name for name in state if name not in own), "")
    return f"it has {extra!r}, which the architecture lacks"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
