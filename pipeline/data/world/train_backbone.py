"""Pretrain the demo detector's backbone on base names.

`python -m ezsd.pipeline.data.world.train_backbone OUT_DIR`
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import timm
import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

from ezsd.pipeline.data.world.training import (
    Schedule,
    WebPictures,
    draw_weathered_pictures,
    print_progress,
    save_half,
    train,
)
from ezsd.split import builtin_split

CONFIG = "world-backbone.json"
_TRAINING_SEED, _TEST_SEED = 3, 4
_TEST_PICTURES = 1440


@dataclass(frozen=True)
class Normalise:
    """From (N, 3, H, W) uint8 RGB to the backbone's input: float, normalised, channels last in memory."""

    mean: Sequence[float]
    std: Sequence[float]

    def __call__(self, pictures: Tensor) -> Tensor:
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        return ((pictures.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def train_classifier(
    model: nn.Module,
    pixels_of: Callable[[Tensor], Tensor],
    drawn: WebPictures,
    schedule: Schedule,
    generator: torch.Generator,
) -> Iterator[float]:
    """Train a classifier of labelled pictures in place; yields the loss of each step."""

    def loss_of(rows: Tensor) -> Tensor:
        return F.cross_entropy(model(pixels_of(drawn.pictures[rows])), drawn.labels[rows])

    return train(model, loss_of, len(drawn.pictures), schedule, generator)


def accuracy_on(model: nn.Module, pixels_of: Normalise, test: WebPictures) -> float:
    """Return the share of pictures that the classifier names correctly."""
    with torch.inference_mode():
        named = torch.cat([model(pixels_of(part)).argmax(dim=1) for part in test.pictures.split(256)])
    return (named == test.labels).float().mean().item()


def main(
    out_dir: Annotated[Path, typer.Argument(help="Folder for world-backbone.json and .safetensors.")],
    steps: Annotated[int, typer.Option(help="Training steps.")] = 900,
    pictures: Annotated[int, typer.Option(help="Web pictures to draw and train on.")] = 14_400,
    batch_size: Annotated[int, typer.Option(help="Pictures a step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 3e-3,
    threads: Annotated[int, typer.Option(help="Threads and drawing processes.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.")] = 0,
) -> None:
    """Train a classifier on weathered web pictures of base names and write its backbone."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    text = resources.files("ezsd").joinpath("assets", CONFIG).read_text(encoding="utf-8")
    config: dict[str, Any] = json.loads(text)
    base = builtin_split("world_48_17").base
    drawn = draw_weathered_pictures(_TRAINING_SEED, "train", pictures, threads, base)
    print(f"{pictures} web pictures of base names drawn", flush=True)
    model = timm.create_model(config["timm_name"], num_classes=len(base), **config["kwargs"])
    model.to(memory_format=torch.channels_last)
    pixels_of = Normalise(config["mean"], config["std"])
    schedule = Schedule(steps, batch_size, learning_rate)
    generator = torch.Generator().manual_seed(seed)
    print_progress(train_classifier(model, pixels_of, drawn, schedule, generator), schedule)
    test = draw_weathered_pictures(_TEST_SEED, "test", _TEST_PICTURES, threads, base)
    print(f"accuracy on fresh weathered pictures: {accuracy_on(model, pixels_of, test):.3f}")
    out_dir.mkdir(parents=True, exist_ok=True)
    trunk = {name: value for name, value in model.state_dict().items() if not name.startswith("fc.")}
    save_half(trunk, out_dir / config["weights"])
    (out_dir / CONFIG).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
