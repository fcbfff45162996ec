import json

import open_clip
import timm
from safetensors.torch import load_file
from typer.testing import CliRunner

from ezsd.pipeline.data.world import train_backbone as world_backbone
from ezsd.pipeline.data.world import train_teacher as world_teacher


def run(module, folder):
    import typer

    app = typer.Typer()
    app.command()(module.main)
    sizes = ["--steps", "2", "--pictures", "130", "--batch-size", "65", "--threads", "1"]
    result = CliRunner().invoke(app, [str(folder), *sizes])
    assert result.exit_code == 0, result.output
    assert "accuracy on fresh" in result.output
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_teacher_command_writes_what_open_clip_loads_and_repeats_itself(tmp_path):
    first = run(world_teacher, tmp_path / "a")
    assert set(first) == {"world-teacher.json", "world-teacher.safetensors"}
    assert first == run(world_teacher, tmp_path / "b")
    open_clip.add_model_config(tmp_path / "a" / "world-teacher.json")
    model = open_clip.create_model(
        "world-teacher", pretrained=str(tmp_path / "a" / "world-teacher.safetensors")
    )
    assert model.visual.image_size in (64, (64, 64))


def test_the_backbone_command_writes_what_timm_loads(tmp_path):
    written = run(world_backbone, tmp_path)
    assert set(written) == {"world-backbone.json", "world-backbone.safetensors"}
    config = json.loads(written["world-backbone.json"])
    model = timm.create_model(config["timm_name"], num_classes=0, **config["kwargs"])
    model.load_state_dict(load_file(tmp_path / config["weights"]))
