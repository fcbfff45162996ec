"""Any open_clip model as a teacher."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import open_clip
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from torch import Tensor, nn
from torch.nn.functional import normalize

from ezsd.errors import InputError
from ezsd.teacher.crops import normalize_crops

DENSE_MAPS = 3
"""Number of last feature maps that `dense_maps` returns; those of convolutional towers form a pyramid."""


class Tokenizer(Protocol):
    """From texts to token ids."""

    def __call__(self, texts: list[str], context_length: int | None = None) -> Tensor:
        """int64 `(N, L)`, cut or padded to `context_length` tokens, by default the text tower's."""
        ...


class OpenClipTeacher:
    """An open_clip model behind the protocol `ezsd.teacher.protocol.Teacher`.

    Args:
        model: an open_clip CLIP, CustomTextCLIP or CoCa.
        tokenizer: of the model's text tower.
        mean: of each channel in the image tower's training, on the scale 0..1.
        std: as `mean`.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Tokenizer,
        mean: Sequence[float] = OPENAI_DATASET_MEAN,
        std: Sequence[float] = OPENAI_DATASET_STD,
    ) -> None:
        self._model = model.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self._mean = torch.tensor(mean) * 255
        self._std = torch.tensor(std) * 255
        self.image_size = _square_side(model.visual.image_size)
        self.image_tower: nn.Module = model.visual
        self.text_tower: nn.Module = _text_tower(model)
        self.logit_scale = float(model.logit_scale.detach().exp())
        bias = getattr(model, "logit_bias", None)
        self.logit_bias = 0.0 if bias is None else float(bias.detach())
        self.dim = self._embedding_length()

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return next(self.image_tower.parameters()).device

    def to(self, device: torch.device) -> Self:
        """Move all parameters in place and return the teacher."""
        self._model.to(device)
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        return self

    def pixels(self, crops: Tensor) -> Tensor:
        """From uint8 `(N, 3, S, S)` RGB crops to normalised float32 on the teacher's device."""
        return normalize_crops(crops.to(self.device), self._mean, self._std)

    def encode_images(self, pixels: Tensor) -> Tensor:
        """From normalised pixels `(N, 3, S, S)` to L2-normalised float32 embeddings `(N, D)`."""
        return normalize(self._model.encode_image(pixels).float(), dim=-1)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """From texts to L2-normalised float32 embeddings `(N, D)`."""
        if not texts:
            return torch.empty((0, self.dim), device=self.device)
        tokens = self._tokenizer(list(texts)).to(self.device)
        return normalize(self._model.encode_text(tokens).float(), dim=-1)

    def cut_texts(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text has more tokens than the text tower takes, so that its end is cut off."""
        length = self._tokenizer([""]).shape[1]
        # tokens beyond the tower's length, other than padding, are what the tower does not see
        wide = self._tokenizer([*texts, ""], context_length=2 * length)
        padding = wide[-1, -1]
        cut: list[bool] = (wide[:-1, length:] != padding).any(dim=1).tolist()
        return cut

    def dense_maps(self, pixels: Tensor) -> list[Tensor]:
        """The image tower's last feature maps: each `(N, C, h, w)`."""
        found = self._model.visual.forward_intermediates(pixels, intermediates_only=True, output_fmt="NCHW")
        maps: list[Tensor] = found["image_intermediates"]
        return maps[-DENSE_MAPS:]

    @torch.inference_mode()
    def _embedding_length(self) -> int:
        blank = torch.zeros((1, 3, self.image_size, self.image_size))
        return int(self._model.encode_image(blank).shape[1])


def require_vocabulary(config: Mapping[str, Any], tokenizer: Tokenizer, where: str) -> None:
    """Raise InputError if the text tower has no embedding for some words of open_clip's own tokenizer."""
    words = tokenizer.vocab_size if isinstance(tokenizer, open_clip.tokenizer.SimpleTokenizer) else 0
    rows = config["text_cfg"].get("vocab_size", words)
    if rows < words:
        raise InputError(
            f"{where}: text_cfg.vocab_size is {rows}, but the tokenizer has {words} words: give a config of "
            "that size, or name its tokenizer as text_cfg.hf_tokenizer_name"
        )


def load_tokenizer(name: str, config: Mapping[str, Any], fetch: bool) -> Tokenizer:
    """The tokenizer of an architecture: open_clip's own BPE, or the one that its config names.

    Args:
        name: of the architecture.
        config: of the architecture.
        fetch: whether its vocabulary may be downloaded; code beside it is never run.

    Raises:
        InputError: its vocabulary cannot be found, or its library is not installed.
    """
    text = config["text_cfg"]
    own = {"local_files_only": not fetch, "trust_remote_code": False} if "hf_tokenizer_name" in text else {}
    try:
        if ":" not in name and open_clip.get_model_config(name) is not None:
            return open_clip.get_tokenizer(name, **own)
        length = text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)
        if vocabulary := text.get("hf_tokenizer_name"):
            return open_clip.tokenizer.HFTokenizer(
                vocabulary, context_length=length, **{**text.get("tokenizer_kwargs", {}), **own}
            )
        return open_clip.SimpleTokenizer(context_length=length)
    except Exception as error:  # ImportError, or any of a hub client's network errors
        raise InputError(
            f"the tokenizer of {name} is not on this machine: `pip install transformers sentencepiece` and "
            "fetch its vocabulary once, or choose an architecture with open_clip's own tokenizer"
        ) from error


def preprocessing(name: str) -> dict[str, Any]:
    """Mean and std of an architecture's published weights if all agree, else empty."""
    tags = open_clip.list_pretrained_tags_by_model(name)
    configs = [open_clip.get_pretrained_cfg(name, tag) for tag in tags]
    known = [{key: tuple(config[key]) for key in ("mean", "std") if key in config} for config in configs]
    return known[0] if known and all(one == known[0] for one in known) else {}


def _square_side(image_size: int | Sequence[int]) -> int:
    sides = {image_size} if isinstance(image_size, int) else set(image_size)
    if len(sides) != 1:
        raise InputError(f"the teacher takes {image_size} pixels, but crops are square: choose another model")
    return sides.pop()


def _text_tower(model: Any) -> nn.Module:
    if isinstance(tower := getattr(model, "text", None), nn.Module):
        return tower
    # CLIP has no module for its text tower, only the parts
    return nn.ModuleDict({"transformer": model.transformer, "ln_final": model.ln_final})
