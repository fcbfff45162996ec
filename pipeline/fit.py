"""Fits a recipe that was made for large data sets to own data, which may be some dozens of photos."""

import math
from typing import Any

LEAST_STEPS = 1500
"""Steps that a detector is trained for at least: the recipe's epochs of few photos are too short to learn."""
WARMUP_SHARE = 10
"""The warm-up takes at most one step in this many."""
SHARDS = 40
"""Shards that a stage has at least, if there are as many photos: progress moves after each."""
LEAST_CHECKED, LEAST_CHECKED_NAMES = 100, 5
"""Photos and base names with boxes from which on re-normalization holds some back to choose its epoch: fewer
would say little."""
BY_CHANCE = ("no-proposals", "one-name")
"""Findings in mined proposals that few photos may have by chance: they are shown, but do not stop the run."""
UNUSABLE = 5
"""Photos or boxes that may be unusable, however few there are."""

Tree = dict[str, Any]


def fit_to_photos(tree: Tree, photos: int, names: int, longer: bool = True) -> Tree:
    """Return plain params with schedule, shards, quarantine, check and allowed findings for own data.

    Args:
        tree: plain params, left as they are.
        photos: number of training photos with base boxes; the others are not trained on.
        names: number of base names with boxes in them.
        longer: whether to train for more epochs than the recipe if they are fewer than `LEAST_STEPS` steps.
    """
    shards = {
        section: {**tree[section], "photos_per_shard": _per_shard(photos, tree[section]["photos_per_shard"])}
        for section in ("prepare", "mine")
    }
    shards["prepare"]["max_quarantined"] = UNUSABLE
    train, renorm = tree["train"], tree["renorm"]
    checkable = photos >= LEAST_CHECKED and names >= LEAST_CHECKED_NAMES
    schedule = _schedule(train["schedule"], photos, longer)
    return {
        **tree,
        **shards,
        "renorm": renorm if checkable else {**renorm, "check": None},
        "train": {**train, "schedule": schedule},
        "run": tree["run"] if photos >= LEAST_CHECKED else {**tree["run"], "allow": list(BY_CHANCE)},
    }


def _per_shard(photos: int, most: int) -> int:
    return max(1, min(most, photos // SHARDS))


def _schedule(schedule: Tree, photos: int, longer: bool) -> Tree:
    """Return a schedule of at least `LEAST_STEPS`, whose rate falls at the same fractions of it."""
    per_epoch = photos / schedule["images_per_step"]
    epochs = max(schedule["epochs"], math.ceil(LEAST_STEPS / per_epoch)) if longer else schedule["epochs"]
    return with_epochs(schedule, epochs, photos)


def with_epochs(schedule: Tree, epochs: float, photos: int) -> Tree:
    """Return the schedule with other epochs; its rate falls at the same fractions of them."""
    steps = int(epochs * photos / schedule["images_per_step"])
    decays = [round(decay * epochs / schedule["epochs"], 2) for decay in schedule["decay_epochs"]]
    same = epochs == schedule["epochs"]
    return {
        **schedule,
        "epochs": epochs,
        "decay_epochs": schedule["decay_epochs"] if same else decays,
        "warmup_steps": min(schedule["warmup_steps"], steps // WARMUP_SHARE),
    }
