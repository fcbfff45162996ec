"""Two processes that share each step do what one process does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

SCRIPT = """
import sys, torch
from pathlib import Path
from torch.distributed import destroy_process_group, init_process_group
from torch.nn.parallel import DistributedDataParallel
from ezsd.detector.detector import LOSSES, build_detector
from ezsd.training.loop import StepSettings, make_optimizer, train_steps
from ezsd.training.schedule import Schedule

folder, rank, world_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
config, weights, text, batches = torch.load(folder / "start.pt", weights_only=False)
detector = build_detector(config)
detector.load_state_dict(weights)
detector.set_vocabulary(text)
model = detector
if world_size > 1:
    init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=world_size)
    model = DistributedDataParallel(detector)
own = [batch[rank::world_size] for batch in batches]
schedule, settings = Schedule(len(batches), 0.01, 1, ()), StepSettings(10.0, 1.0, 1, False, 0)
steps = train_steps(model, make_optimizer(model, 0.9, 1e-4), own, schedule, settings, 0)
losses = [[report.losses[name] for name in LOSSES] for report in steps]
if rank == 0:
    torch.save((torch.tensor(losses), detector.state_dict()), folder / f"end-{world_size}.pt")
if world_size > 1:
    destroy_process_group()
"""


def run(folder: Path, world_size: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder), str(rank), str(world_size)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "GLOO_SOCKET_IFNAME": "lo"},
        )
        for rank in range(world_size)
    ]
    assert [process.wait(120) for process in processes] == [0] * world_size
    losses, weights = torch.load(folder / f"end-{world_size}.pt", weights_only=True)
    return losses, weights


def test_two_processes_give_the_losses_and_weights_of_one(tiny: Any, tmp_path: Path) -> None:
    if not torch.distributed.is_available():
        pytest.skip("this torch knows no other processes")
    detector = tiny.detector()
    batches = [
        [(tiny.photo(seed), tiny.target(seed=seed)) for seed in (2 * step, 2 * step + 1)] for step in range(3)
    ]
    text = detector.roi_heads.classifier.text_embeddings
    torch.save((detector.config, detector.state_dict(), text, batches), tmp_path / "start.pt")
    losses, weights = run(tmp_path, 1)
    shared_losses, shared_weights = run(tmp_path, 2)
    torch.testing.assert_close(shared_losses, losses, rtol=1e-3, atol=1e-4)
    for name, value in weights.items():
        torch.testing.assert_close(shared_weights[name], value, rtol=1e-3, atol=1e-4)
