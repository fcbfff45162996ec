"""Write the world as an ordinary COCO data set: `python -m ezsd.pipeline.data.world.export OUT_DIR`."""

import json
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ezsd.pipeline.data.world.coco import annotation_records, coco_file, file_name, image_record
from ezsd.pipeline.data.world.drawing import encode_jpeg
from ezsd.pipeline.data.world.scenes import draw_scene

_CHUNK = 16


def photo_dir(out_dir: Path, split: str) -> Path:
    """Where a split's photos lie."""
    return out_dir / split


def annotation_file(out_dir: Path, split: str) -> Path:
    """Where a split's annotations lie."""
    return out_dir / "annotations" / f"instances_{split}.json"


def export_split(out_dir: Path, seed: int, split: str, count: int, workers: int) -> None:
    """Draw scenes 0..count-1 of a split into `out_dir`; the bytes do not depend on `workers`."""
    photo_dir(out_dir, split).mkdir(parents=True, exist_ok=True)
    draw = partial(_export_scene, photo_dir(out_dir, split), seed, split)
    if workers == 1:
        _write_annotations(annotation_file(out_dir, split), map(draw, range(count)))
        return
    with ProcessPoolExecutor(workers) as pool:
        _write_annotations(annotation_file(out_dir, split), pool.map(draw, range(count), chunksize=_CHUNK))


def _export_scene(
    folder: Path, seed: int, split: str, index: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    scene = draw_scene(seed, split, index)
    (folder / file_name(split, index)).write_bytes(encode_jpeg(scene.image))
    return image_record(split, index, scene), annotation_records(split, index, scene)


def _write_annotations(path: Path, records: Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]) -> None:
    images, annotations = [], []
    for image, of_image in records:
        images.append(image)
        annotations.extend(of_image)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(coco_file(images, annotations)), encoding="utf-8")
    aside.replace(path)


def main(
    out_dir: Annotated[Path, typer.Argument(help="Folder for annotations/, train/ and val/.")],
    train: Annotated[int, typer.Option(help="Training scenes.")] = 1200,
    val: Annotated[int, typer.Option(help="Validation scenes.")] = 300,
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 0,
    workers: Annotated[int, typer.Option(help="Drawing processes.")] = 2,
) -> None:
    """Draw the world's scenes and write them as photos and COCO annotations."""
    for split, count in (("train", train), ("val", val)):
        export_split(out_dir, seed, split, count, workers)
        print(f"{count} {split} scenes in {photo_dir(out_dir, split)}", flush=True)


if __name__ == "__main__":
    typer.run(main)
