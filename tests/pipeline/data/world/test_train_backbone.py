import json

import timm
from safetensors.torch import load_file

from ezsd.pipeline.data.world.train_backbone import main


def test_the_backbone_command_writes_what_timm_loads(tmp_path, train_briefly):
    written = train_briefly(main, tmp_path)
    assert set(written) == {"world-backbone.json", "world-backbone.safetensors"}
    config = json.loads(written["world-backbone.json"])
    model = timm.create_model(config["timm_name"], num_classes=0, **config["kwargs"])
    model.load_state_dict(load_file(tmp_path / config["weights"]))
