"""Fits a recipe that was made for large data sets to own data, which may be some dozens of photos."""

import math
from typing import Any

LEAST_STEPS = 1500
"""Steps that a detector is trained for at least: the recipe's epochs of few photos are too short to learn."""
WARMUP_SHARE = 10
"""The warm-up takes at most one step in this many."""
SHARDS = 40
"""Shards that a stage has at least, if there are as many photos: progress moves after each."""
LEAST_CHECKED = 100
"""Photos from which re-normalization holds some boxes back to choose its epoch: fewer would say little."""
UNUSABLE = 5
"""Photos or boxes that may be unusable, however few there are."""

Tree = dict[str, Any]


def fit_to_photos(tree: Tree, photos: int, longer: bool = True) -> Tree:
    """Return plain params with schedule, shards, quarantine and check for this number of training photos.

    Args:
        tree: plain params, left as they are.
        photos: number of training photos.
        longer: whether to train for more epochs than the recipe if they are fewer than `LEAST_STEPS` steps.
    """
    shards = {
        section: {**tree[section], "photos_per_shard": _per_shard(photos, tree[section]["photos_per_shard"])}
        for section in ("prepare", "mine")
    }
    shards["prepare"]["max_quarantined"] = UNUSABLE
    train, renorm = tree["train"], tree["renorm"]
    checked = renorm if photos >= LEAST_CHECKED else {**renorm, "check": None}
    schedule = _schedule(train["schedule"], photos, longer)
    return {**tree, **shards, "renorm": checked, "train": {**train, "schedule": schedule}}


def _per_shard(photos: int, most: int) -> int:
    return max(1, min(most, photos // SHARDS))


def _schedule(schedule: Tree, photos: int, longer: bool) -> Tree:
    """Return a schedule of at least `LEAST_STEPS`, whose rate falls at the same fractions of it."""
    per_epoch = photos / schedule["images_per_step"]
    epochs = max(schedule["epochs"], math.ceil(LEAST_STEPS / per_epoch)) if longer else schedule["epochs"]
    decays = [round(decay * epochs / schedule["epochs"], 2) for decay in schedule["decay_epochs"]]
    warmup = min(schedule["warmup_steps"], int(epochs * per_epoch) // WARMUP_SHARE)
    same = epochs == schedule["epochs"]
    return {
        **schedule,
        "epochs": epochs,
        "decay_epochs": schedule["decay_epochs"] if same else decays,
        "warmup_steps": warmup,
    }
