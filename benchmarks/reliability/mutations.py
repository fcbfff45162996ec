"""Random damage to bytes, to JSON values and to texts; the same generator does the same."""

import json
from random import Random
from typing import Any

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    -(2**64),
    10**400,
    1e308,
    1e-320,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\0",
    "\ud800",
    "7",
    "1e999",
    "nan",
    "../../outside/kept",
    "/etc/passwd",
    "file:///etc",
    "os:system",
    "hf-hub:someone/something",
    "x" * 100_000,
    "=1+1",
    [],
    {},
    [[]],
    [None],
    {"": None},
    [0] * 1000,
)


def damage_bytes(random: Random, data: bytes) -> bytes:
    """Flip, cut, repeat, blank or insert bytes."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        if not changed:
            break
        place = random.randrange(len(changed))
        length = min(random.choice((1, 4, 64, 4096)), len(changed) - place)
        match random.randrange(5):
            case 0:
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                del changed[place:]
            case 2:
                changed[place:place] = changed[place : place + length]
            case 3:
                changed[place : place + length] = bytes(length)
            case 4:
                changed[place : place + length] = random.randbytes(length)
    return bytes(changed)


def damage_tree(random: Random, tree: Any) -> Any:
    """Change a few values of a JSON tree anywhere in it; the tree itself stays as it is."""
    changed = json.loads(json.dumps(tree))
    for _ in range(random.choice((1, 1, 2, 4))):
        changed = _damage_node(random, changed)
    return changed


def hostile(random: Random) -> Any:
    """A value that nobody expects, sometimes nested very deeply."""
    value = random.choice(HOSTILE)
    if random.random() < 0.03:
        for _ in range(random.choice((10, 100, 800))):
            value = [value]
    return value


def json_text(tree: Any) -> str:
    """JSON as other programs write it: NaN, infinities and lone surrogates included."""
    return json.dumps(tree)


def _damage_node(random: Random, tree: Any) -> Any:
    holder: Any = None
    key: Any = None
    node = tree
    while isinstance(node, dict | list) and node and (holder is None or random.random() < 0.8):
        holder = node
        key = random.choice(list(node)) if isinstance(node, dict) else random.randrange(len(node))
        node = node[key]
    if holder is None:
        return hostile(random)
    match random.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.append(node)
        case 1:
            holder[str(hostile(random))[:40]] = node
        case 2 if isinstance(node, int | float) and not isinstance(node, bool) and abs(node) < 1e300:
            holder[key] = node * random.choice((-1, 0, 1e9, 1e-9, 0.5))
        case 3 if isinstance(node, str):
            holder[key] = "".join(random.sample(node, len(node)))[: random.randrange(len(node) + 1)]
        case _:
            holder[key] = hostile(random)
    return tree


def damage_text(random: Random, text: str) -> str:
    """Change single characters or lines of a text."""
    lines = text.splitlines()
    for _ in range(random.choice((1, 1, 3))):
        place = random.randrange(len(lines)) if lines else 0
        match random.randrange(5):
            case 0:
                del lines[place : place + 1]
            case 1:
                lines.insert(place, random.choice(lines or [""]))
            case 2:
                lines[place : place + 1] = [
                    f"{'  ' * random.randrange(4)}{line}" for line in lines[place : place + 1]
                ]
            case 3:
                lines.insert(place, f"{'[' * random.choice((1, 40, 3000))}{hostile(random)!s:.200}")
            case 4:
                spot = random.choice(
                    ("&a", "*a", ": ", "!!python/object:os.system", "\t", "2001-99-99", "- ", "{")
                )
                lines[place : place + 1] = [f"{line}{spot}" for line in lines[place : place + 1]]
    return "\n".join(lines)
