"""Two processes that share each step do what one process does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

SCRIPT = """
import json, sys, torch
from pathlib import Path
from safetensors.torch import load_file, save_file
from torch.distributed import destroy_process_group, init_process_group
from torch.nn.parallel import DistributedDataParallel
from ezsd.detector.config import DetectorConfig
from ezsd.detector.detector import LOSSES, build_detector
from ezsd.training.losses.classification import SeesawLoss
from ezsd.distributed import mean_rows
from ezsd.training.config import StepConfig
from ezsd.training.engine import train_steps
from ezsd.training.schedule import make_optimizer
from ezsd.training.schedule import Schedule

folder, rank, world_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
config = DetectorConfig.from_dict(json.loads((folder / "config.json").read_text()))
text = load_file(folder / "text.safetensors")["text"]
detector = build_detector(config, text.shape[1], SeesawLoss(5))  # counts what all processes have seen
detector.set_vocabulary(text)
detector.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
examples = [load_file(path) for path in sorted(folder.glob("example-*"))]
examples = [(target.pop("photo"), target) for target in examples]
batches = [examples[start : start + 2] for start in range(0, len(examples), 2)]
model = detector
if world_size > 1:
    init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=world_size)
    model = DistributedDataParallel(detector)
own = [batch[rank::world_size] for batch in batches]
schedule, settings = Schedule(len(batches), 0.01, 1, ()), StepConfig()
steps = train_steps(model, make_optimizer(model, StepConfig()), own, schedule, settings, 0)
losses = [[report.losses[name] for name in LOSSES] for report in steps]
# one process has 3 rows and the other 1, then neither has any
shares = torch.tensor([float(mean_rows(rows, torch.device("cpu"))) for rows in ((3, 1)[rank], 0)])
if rank == 0:
    ended = {"losses": torch.tensor(losses), "shares": shares, **detector.state_dict()}
    save_file({name: value.contiguous() for name, value in ended.items()}, folder / f"end-{world_size}")
if world_size > 1:
    destroy_process_group()
"""


def run(folder: Path, world_size: int) -> dict[str, torch.Tensor]:
    """`losses` (steps, kinds) and all weights after the last step."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder), str(rank), str(world_size)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "GLOO_SOCKET_IFNAME": "lo"},
        )
        for rank in range(world_size)
    ]
    assert [process.wait(120) for process in processes] == [0] * world_size
    return load_file(folder / f"end-{world_size}")


def write_start(tiny: Any, folder: Path) -> None:
    """A detector and three steps of two photos each, which differ in size and in their targets."""
    detector = tiny.detector()
    (folder / "config.json").write_text(json.dumps(detector.config.to_dict()))
    save_file({"text": detector.roi_heads.classifier.text_embeddings}, folder / "text.safetensors")
    weights = {name: value.contiguous() for name, value in detector.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    for seed, (height, distilled) in enumerate([(64, 4), (48, 1), (96, 2), (64, 6), (64, 3), (64, 3)]):
        example = {"photo": tiny.photo(seed, height=height), **tiny.target(distilled=distilled, seed=seed)}
        save_file(example, folder / f"example-{seed}")


def test_two_processes_give_the_losses_and_weights_of_one(tiny: Any, tmp_path: Path) -> None:
    if not torch.distributed.is_available():
        pytest.skip("this torch knows no other processes")
    write_start(tiny, tmp_path)
    alone, shared = run(tmp_path, 1), run(tmp_path, 2)
    assert alone.pop("shares").tolist() == [3, 1]
    assert shared.pop("shares").tolist() == [2, 0.5]
    assert alone.keys() == shared.keys()
    for name, value in alone.items():
        torch.testing.assert_close(shared[name], value, rtol=1e-3, atol=1e-4)
