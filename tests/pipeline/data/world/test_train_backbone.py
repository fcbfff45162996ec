import json

import timm
import typer
from safetensors.torch import load_file
from typer.testing import CliRunner

from ezsd.pipeline.data.world.train_backbone import main


def run(main, folder):
    app = typer.Typer()
    app.command()(main)
    sizes = ["--steps", "2", "--pictures", "130", "--batch-size", "65", "--threads", "1"]
    result = CliRunner().invoke(app, [str(folder), *sizes])
    assert result.exit_code == 0, result.output
    assert "accuracy on fresh" in result.output
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_backbone_command_writes_what_timm_loads(tmp_path):
    written = run(main, tmp_path)
    assert set(written) == {"world-backbone.json", "world-backbone.safetensors"}
    config = json.loads(written["world-backbone.json"])
    model = timm.create_model(config["timm_name"], num_classes=0, **config["kwargs"])
    model.load_state_dict(load_file(tmp_path / config["weights"]))
