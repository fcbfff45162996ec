"""What lies between a scene and its photo: haze, colour cast, blur and sensor noise.

Web pictures have none of it. It shifts the statistics of a crop more than its content, which is the gap that
re-normalization is to close.
"""

import numpy as np
from PIL import Image, ImageFilter

_HAZE = (0.25, 0.5)
_CAST = (0.75, 1.0)
_BLUR = (0.2, 0.6)
_NOISE = (0.008, 0.03)


def photograph(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take a photo of a clean scene.

    Args:
        scene: (H, W, 3) float32 in 0..1.
        rng: draws the weather and the noise.

    Returns:
        (H, W, 3) uint8.
    """
    haze = np.float32(rng.uniform(*_HAZE))
    fog = np.float32(rng.uniform(0.3, 0.75))
    cast = rng.uniform(*_CAST, 3).astype(np.float32)
    hazy = (scene * (1 - haze) + fog * haze) * cast
    blurred = _blur(hazy, rng.uniform(*_BLUR))
    noise = rng.standard_normal(scene.shape, dtype=np.float32) * np.float32(rng.uniform(*_NOISE))
    return (np.clip(blurred + noise, 0, 1) * 255 + 0.5).astype(np.uint8)


def _blur(image: np.ndarray, radius: float) -> np.ndarray:
    levels = Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))
    return np.asarray(levels.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255
