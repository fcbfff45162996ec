"""The accuracy of a teacher of real photos on boxes: raw, and re-normalized in several ways.

As `benchmarks.renorm`, with the photos that EZSD_PHOTOS names and the teacher that EZSD_TEACHER names.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.photos import need_real_data, real_overrides
from benchmarks.record import Result, write_result
from benchmarks.renorm import PLAIN, measure_recipes

PHOTOS = 52
"""Training photos, evenly spaced: tuning takes most of the time."""

RECIPE = (
    "renorm.towers=image",
    "renorm.epochs=3",
    "renorm.photos_per_step=4",
    "renorm.learning_rate=3e-4",
)
SOFTMAX = ("renorm.loss=softmax",)
RECIPES: Mapping[str, tuple[str, ...]] = {
    "paper": PLAIN,
    "softmax": (*PLAIN, *SOFTMAX),
    "checked": (),
    "softmax_checked": SOFTMAX,
}


def main() -> None:
    """Re-normalize the same teacher by each recipe and record the result."""
    photos, factory = need_real_data()
    with TemporaryDirectory() as folder:
        overrides = (*real_overrides(photos, factory, Path(folder), PHOTOS), *RECIPE)
        measurements, details = measure_recipes("renorm.real", overrides, RECIPES)
    write_result(Result("renorm_real", 0, measurements, {"training_photos": PHOTOS, **details}))


if __name__ == "__main__":
    main()
