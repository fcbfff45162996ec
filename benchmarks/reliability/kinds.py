"""The kinds of cases that the fuzzer makes: what is damaged, and what then reads it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import h5py
import numpy as np
import torch
import yaml

from benchmarks.reliability.annotations import Format, damage_annotations
from benchmarks.reliability.mutations import damage_bytes, damage_text, damage_tree, hostile, json_text
from benchmarks.reliability.readers import commands, read_by_command, read_by_next_stage, read_directly
from benchmarks.reliability.scenarios import CARRIED, EXPORT
from benchmarks.reliability.workbench import Workbench, overwrite, seal, some_photos
from ezsd.api.loading import load_detector
from ezsd.api.teacher import load_teacher
from ezsd.cache.folders import MANIFEST
from ezsd.cache.manifest import fingerprint
from ezsd.photos import decode_photo
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data_check.check import check_data
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import parse_params, plain_values
from ezsd.pipeline.plan.data import read_data
from ezsd.pipeline.runner import artifact_folder, run_stage
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.tensor_files import CHECKPOINT, Checkpoint
from ezsd.pipeline.transfer import import_stages
from ezsd.renorm.tune import TuneState
from ezsd.stages.commands.main import USER_ERRORS

Case = Callable[[Random, Workbench], None]


@dataclass(frozen=True)
class Kind:
    """A kind of cases.

    Attributes:
        name: of what is damaged.
        cases: number of cases in a full run.
        run: makes a case and lets it be read; raises what the readers raise.
    """

    name: str
    cases: int
    run: Case


def _annotations(form: Format) -> Case:
    def run(random: Random, bench: Workbench) -> None:
        params, place = damage_annotations(form, random, bench), bench.place
        sources = resolve_sources(params.data, place, artifact_folder(place, "prepare"))
        _read_by_all(
            lambda: run_stage(STAGES, "prepare", params, place),
            lambda: STAGES["evaluate"].external_inputs(params, place),
            lambda: read_data(params, place),
            lambda: check_data(params, place, sources, lambda names: []),
        )

    return run


def _read_by_all(*reads: Callable[[], object]) -> None:
    """Call all, whether or not others refuse; a foreign exception comes out before one of the project."""
    refusals = []
    for read in reads:
        try:
            read()
        except USER_ERRORS as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


def _photo(random: Random, bench: Workbench) -> None:
    data = damage_bytes(random, random.choice(_photos()))
    decode_photo(data, random.choice((None, (16, 24), (24, 16))))


@cache
def _photos() -> list[bytes]:
    return some_photos()


def _params(random: Random, bench: Workbench) -> None:
    tree = plain_values(bench.params)
    if random.random() < 0.5:
        parse_params(json_text(damage_tree(random, tree)))
    else:
        parse_params(damage_text(random, yaml.safe_dump(tree)))


def _override(random: Random, bench: Workbench) -> None:
    tree = plain_values(bench.params)
    text, keys = json_text(tree), []
    while isinstance(tree, dict) and tree:
        keys.append(random.choice(list(tree)))
        tree = tree[keys[-1]]
    if random.random() < 0.1:
        keys[random.randrange(len(keys))] = str(hostile(random))[:1000]
    value = hostile(random)
    shown = random.choice((str, repr, json.dumps))(value)
    parse_params(text, [f"{'.'.join(keys)}={damage_text(random, shown) if random.random() < 0.3 else shown}"])


def _cached(random: Random, bench: Workbench) -> None:
    root, stage = bench.take(), random.choice(list(STAGES))
    folder = artifact_folder(root, stage)
    path = random.choice(
        sorted(one for one in folder.rglob("*") if one.is_file() and "world" not in one.parts)
    )
    data = path.read_bytes()
    if path.suffix == ".json" and random.random() < 0.7:
        overwrite(path, json_text(damage_tree(random, json.loads(data))).encode())
    elif path.suffix == ".h5" and random.random() < 0.7:
        overwrite(path, data)
        _damage_dataset(random, path)
    else:
        overwrite(path, damage_bytes(random, data))
    if path.name != MANIFEST and random.random() < 0.6:
        seal(folder, path.relative_to(folder).as_posix())
    match random.choices(("directly", "command", "next stage"), (4, 4, 2))[0]:
        case "directly":
            read_directly(stage, root)
        case "command":
            read_by_command(random.choice(commands(stage, root, bench.place / "out")))
        case _:
            read_by_next_stage(stage, root, bench.params)


def _damage_dataset(random: Random, path: Path) -> None:
    """Replace a dataset of an HDF5 file by one of another shape, dtype or content."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        name = random.choice(names)
        values = file[name][()]
        del file[name]
        match random.randrange(6):
            case 0:
                return
            case 1:
                file[name] = values[: len(values) // 2] if np.ndim(values) else 3
            case 2:
                file[name] = np.zeros((*np.shape(values), 2), np.float32)
            case 3:
                file.create_dataset(name, shape=(2**40,), dtype=np.float32, chunks=(1024,))
            case 4 if np.issubdtype(np.asarray(values).dtype, np.number):
                file[name] = (np.asarray(values, np.float64) * -1e6).astype(np.asarray(values).dtype)
            case _:
                file[name] = "text"


def _checkpoint(random: Random, bench: Workbench) -> None:
    folder = artifact_folder(bench.place, "renorm")
    claim = {"schema": 1, "stage": "renorm", "inputs": {}, "fingerprint": fingerprint("renorm", {})}
    overwrite(folder / "incomplete.json", json.dumps(claim).encode())
    checkpoint = Checkpoint(StageContext(bench.params, bench.place, folder))
    norms = {"image.a.weight": torch.ones(8), "image.a.bias": torch.zeros(8)}
    checkpoint.save(TuneState(norms, {"0/step": torch.tensor(1.0)}, (0.5,), (0.5,)).to_tensors())
    path = folder / CHECKPOINT
    overwrite(path, damage_bytes(random, path.read_bytes()))
    tensors = checkpoint.read()
    if tensors is not None:
        TuneState.from_tensors(tensors)


def _imported(random: Random, bench: Workbench) -> None:
    path, data = bench.place / EXPORT, (bench.finished / EXPORT).read_bytes()
    if random.random() < 0.4:
        overwrite(path, damage_bytes(random, data))
    else:
        overwrite(path, data)
        _damage_manifest(random, path) if random.random() < 0.6 else _damage_dataset(random, path)
    import_stages(CARRIED, bench.place / "run", path, force=random.random() < 0.5)


def _damage_manifest(random: Random, path: Path) -> None:
    """Change a manifest in an exported file, often so that it agrees with itself."""
    with h5py.File(path, "r+") as file:
        stage = random.choice(CARRIED)
        made = damage_tree(random, json.loads(file[stage][MANIFEST][()].tobytes()))
        if isinstance(made, dict) and random.random() < 0.6:
            try:
                made["fingerprint"] = fingerprint(made["stage"], made["inputs"])
            except (KeyError, *USER_ERRORS):
                pass
        del file[stage][MANIFEST]
        file[stage][MANIFEST] = np.frombuffer(json_text(made).encode(), np.uint8)


def _detector(random: Random, bench: Workbench) -> None:
    folder = artifact_folder(bench.take("artifacts/train"), "train")
    name = random.choice(("detector.json", "detector.json", "detector.json", "detector.safetensors"))
    data = (folder / name).read_bytes()
    changed = damage_bytes(random, data)
    if name == "detector.json" and random.random() < 0.8:
        changed = json_text(damage_tree(random, json.loads(data))).encode()
    overwrite(folder / name, changed)
    seal(folder, name)
    load_detector(folder).predict(torch.zeros((3, 32, 32), dtype=torch.uint8))


def _teacher(random: Random, bench: Workbench) -> None:
    path, tree = bench.place / "tiny.json", json.loads((bench.finished / "tiny.json").read_text())
    text = (
        json_text(damage_tree(random, tree))
        if random.random() < 0.8
        else damage_text(random, json.dumps(tree))
    )
    overwrite(path, text.encode())
    load_teacher(str(path), "random", device="cpu").encode_texts(["a cat"])


KINDS = (
    Kind("COCO annotations", 1000, _annotations("coco")),
    Kind("LVIS annotations", 600, _annotations("lvis")),
    Kind("VOC annotations", 800, _annotations("voc")),
    Kind("photos", 3000, _photo),
    Kind("params", 800, _params),
    Kind("--set", 800, _override),
    Kind("cached files", 1200, _cached),
    Kind("checkpoints", 800, _checkpoint),
    Kind("imported files", 800, _imported),
    Kind("detectors", 300, _detector),
    Kind("teachers", 300, _teacher),
)
