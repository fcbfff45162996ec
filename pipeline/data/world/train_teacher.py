"""Train the small teacher on the world's web pictures.

`python -m ezsd.pipeline.data.world.train_teacher OUT_DIR`
"""

import math
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated

import open_clip
import torch
import torch.nn.functional as F
import typer
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from torch import Tensor

from ezsd.pipeline.data.world.names import NAMES
from ezsd.pipeline.data.world.training import (
    Schedule,
    WebPictures,
    draw_other_pictures,
    draw_web_pictures,
    print_progress,
    save_half,
    train,
)
from ezsd.split import builtin_split
from ezsd.teacher.prompts import TEMPLATE, fill

MODEL = "world-teacher"
_TRAINING_SEED, TEST_SEED = 1, 2
TEST_PICTURES = 1300
_NAMED_AN_OTHER = 3
"""Pictures of a category for each that shows none."""
_MAX_LOGIT_SCALE = math.log(30)
"""Keeps cosines of different names well apart, for a student that copies them, and entropies graded."""
_PAIR_WEIGHT, _UNSURE_WEIGHT = 0.1, 0.2


def pixels_of(pictures: Tensor) -> Tensor:
    """Return (N, 3, S, S) uint8 RGB as normalised float, as open_clip does by default."""
    mean = torch.tensor(OPENAI_DATASET_MEAN).view(3, 1, 1)
    std = torch.tensor(OPENAI_DATASET_STD).view(3, 1, 1)
    return ((pictures.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def contrastive_loss(
    image_features: Tensor, text_features: Tensor, logit_scale: Tensor, labels: Tensor
) -> Tensor:
    """Symmetric contrastive loss in which all pairs of one category are positives (UniCL, arXiv 2204.03610).

    Args:
        image_features, text_features: (N, D) float, L2-normalised.
        logit_scale: scalar that multiplies the cosines.
        labels: (N,) int64, the category of each pair.

    Returns:
        Scalar.
    """
    logits = logit_scale * image_features @ text_features.T
    same = (labels[:, None] == labels[None, :]).to(logits.dtype)
    target = same / same.sum(dim=1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def pair_loss(image_features: Tensor, text_features: Tensor, logit_scale: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of each pair, match or no match: SigLIP (arXiv 2303.15343) without its bias.

    Re-normalization tunes with the same loss. The contrastive loss ranks names, but does not calibrate the
    score at which none of them matches. Arguments as in `contrastive_loss`.
    """
    logits = logit_scale * image_features @ text_features.T
    same = (labels[:, None] == labels[None, :]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, same, reduction="sum") / len(labels)


def unsure_loss(image_features: Tensor, name_features: Tensor, logit_scale: Tensor) -> Tensor:
    """Cross-entropy to equal probabilities of all names, for pictures that show none of them.

    Large teachers are less certain where no name fits. A small one has to learn it; mining ranks by it.

    Args:
        image_features: (N, D) float, L2-normalised.
        name_features: (C, D) float, L2-normalised.
        logit_scale: scalar that multiplies the cosines.

    Returns:
        Scalar; 0 without a picture, at least ln C with one.
    """
    logits = logit_scale * image_features @ name_features.T
    return -logits.log_softmax(dim=1).mean(dim=1).sum() / max(len(logits), 1)


def train_clip(
    model: open_clip.CLIP, drawn: WebPictures, schedule: Schedule, generator: torch.Generator
) -> Iterator[float]:
    """Train an open_clip model on captioned pictures in place; yields the loss of each step."""
    tokenizer = open_clip.get_tokenizer(MODEL)
    tokens, names = tokenizer(drawn.captions), tokenizer([fill(TEMPLATE, name) for name in NAMES])

    def loss_of(rows: Tensor) -> Tensor:
        images = model.encode_image(pixels_of(drawn.pictures[rows]), normalize=True)
        texts, of_names = model.encode_text(torch.cat([tokens[rows], names]), normalize=True).split(
            [len(rows), len(names)]
        )
        labels, scale = drawn.labels[rows], model.logit_scale.exp()
        pairs = (images, texts, scale, labels)
        unsure = unsure_loss(images[labels >= len(NAMES)], of_names, scale)
        return contrastive_loss(*pairs) + _PAIR_WEIGHT * pair_loss(*pairs) + _UNSURE_WEIGHT * unsure

    for loss in train(model, loss_of, len(drawn.pictures), schedule, generator):
        with torch.no_grad():
            model.logit_scale.clamp_(0, _MAX_LOGIT_SCALE)
        yield loss


def zero_shot_accuracy(model: open_clip.CLIP, test: WebPictures) -> dict[str, float]:
    """Return the share of pictures whose nearest of the 65 names is correct, over base and novel names."""
    tokenizer = open_clip.get_tokenizer(MODEL)
    split = builtin_split("world_48_17")
    with torch.inference_mode():
        texts = model.encode_text(tokenizer([fill(TEMPLATE, name) for name in NAMES]), normalize=True)
        images = torch.cat(
            [model.encode_image(pixels_of(part), normalize=True) for part in test.pictures.split(256)]
        )
    right = (images @ texts.T).argmax(dim=1) == test.labels
    novel = torch.tensor([name in split.novel for name in NAMES])[test.labels]
    return {"base": right[~novel].float().mean().item(), "novel": right[novel].float().mean().item()}


def new_teacher(seed: int) -> open_clip.CLIP:
    """Return an untrained teacher of the shipped config."""
    torch.manual_seed(seed)
    with resources.as_file(resources.files("ezsd") / "assets" / f"{MODEL}.json") as config:
        open_clip.add_model_config(config)
    model = open_clip.create_model(MODEL)
    model.visual.to(memory_format=torch.channels_last)
    return model


def main(
    out_dir: Annotated[
        Path, typer.Argument(help="Folder for world-teacher.json and world-teacher.safetensors.")
    ],
    steps: Annotated[int, typer.Option(help="Training steps.")] = 2400,
    pictures: Annotated[
        int, typer.Option(help="Web pictures of categories to draw; a third as many show none.")
    ] = 20_800,
    batch_size: Annotated[int, typer.Option(help="Pictures a step.")] = 96,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 3e-3,
    threads: Annotated[int, typer.Option(help="Threads and drawing processes.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.")] = 0,
) -> None:
    """Train the small teacher and write its open_clip config and weights."""
    torch.set_num_threads(threads)
    model = new_teacher(seed)
    named = draw_web_pictures(_TRAINING_SEED, "train", pictures, threads)
    drawn = named + draw_other_pictures(_TRAINING_SEED, "train", pictures // _NAMED_AN_OTHER, threads)
    print(f"{len(drawn.captions)} web pictures drawn", flush=True)
    schedule = Schedule(steps, batch_size, learning_rate)
    print_progress(train_clip(model, drawn, schedule, torch.Generator().manual_seed(seed)), schedule)
    out_dir.mkdir(parents=True, exist_ok=True)
    save_half(model.state_dict(), out_dir / f"{MODEL}.safetensors")
    config = resources.files("ezsd").joinpath("assets", f"{MODEL}.json").read_text(encoding="utf-8")
    (out_dir / f"{MODEL}.json").write_text(config, encoding="utf-8")
    accuracy = zero_shot_accuracy(model, draw_web_pictures(TEST_SEED, "test", TEST_PICTURES, threads))
    print(f"accuracy on fresh web pictures: base {accuracy['base']:.3f}, novel {accuracy['novel']:.3f}")


if __name__ == "__main__":
    typer.run(main)
