"""A published artifact of two files, and the inputs that it was made from."""

from pathlib import Path

from ezsd.cache import writing

INPUTS = {"params": {"mine": {"nms_iou": 0.7}}, "code": {"ezsd/teacher/crops.py": "1" * 64}, "parents": {}}


def changed(**mine: object) -> dict[str, object]:
    """Return the inputs with other params."""
    return {**INPUTS, "params": {"mine": {**INPUTS["params"]["mine"], **mine}}}


def publish_artifact(root: Path) -> Path:
    """Publish the artifact below `root`; returns its folder."""
    folder = root / "artifacts" / "mine"
    writing.begin(folder, "mine", INPUTS)
    (folder / "boxes").mkdir()
    (folder / "boxes" / "0").write_bytes(b"shard zero")
    (folder / "names.txt").write_bytes(b"")
    writing.publish(folder, {"rows": 2}, {"protocol": "names known"})
    return folder
