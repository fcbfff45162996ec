"""The world's vocabulary: 13 shapes times 5 textures, of which 17 combinations are novel."""

SHAPES = (
    "fish", "star", "cup", "house", "tree", "crown", "heart", "moon", "arrow", "mushroom", "boat",
    "butterfly", "bottle",
)  # fmt: skip
TEXTURES = ("plain", "striped", "dotted", "checkered", "ringed")

NAMES = tuple(f"{texture} {shape}" for shape in SHAPES for texture in TEXTURES)

CATEGORY_IDS = {name: index + 1 for index, name in enumerate(NAMES)}


def parts_of(name: str) -> tuple[str, str]:
    """Split a category name of the world into `(texture, shape)`.

    Raises:
        KeyError: the name is none of `NAMES`.
    """
    if name not in CATEGORY_IDS:
        raise KeyError(f"{name!r} is no category of the world; its names are a texture and a shape, "
                       f"for instance {NAMES[1]!r}")  # fmt: skip
    texture, shape = name.split(" ")
    return texture, shape
