"""Where the shards of an artifact lie: in its folder, or below the URL that `location.json` names.

The manifest is the same either way, so `location.json` is no part of the artifact. The URL ends with the
artifact's stage and fingerprint: shards made from other inputs cannot be taken for these. `location.json` may
be anybody's: it tells where to read, but what is removed has to lie at `shards_url` of the run's own stores.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ezsd.cache.atomic import parse_json, write_json_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import LOCATION

if TYPE_CHECKING:
    from ezsd.cache.objects import Location

STORE = re.compile(r"[^/]+\.zarr/.+")
"""Names of the files that lie at the URL."""

_OWN_URL = re.compile(r"[a-z][a-z0-9+.-]*://.*/[a-z_]+/[0-9a-f]{64}")


def shards_url(stores: str, stage: str, fingerprint: str) -> str:
    """The URL of an artifact's shards below the URL of all stores."""
    return f"{stores.rstrip('/')}/{stage}/{fingerprint}"


def store_location(folder: Path, name: str) -> "Location":
    """Where the store `name` (`proposals.zarr`) of an artifact lies. Raises as `read_location`."""
    url = read_location(folder)
    return folder / name if url is None else f"{url}/{name}"


def read_location(folder: Path) -> str | None:
    """The URL of an artifact's shards; None when they lie in its folder.

    Raises ArtifactError when `location.json` is damaged or names no URL of `shards_url`.
    """
    path = folder / LOCATION
    try:
        url = parse_json(path.read_bytes())["url"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged; remove {folder} and make it again") from error
    if not isinstance(url, str) or not _OWN_URL.fullmatch(url):
        raise ArtifactError(f"{path} names no URL of shards: it is foreign; remove it")
    return url


def write_location(folder: Path, url: str) -> None:
    """Say that the shards lie at `url`, of `shards_url`."""
    write_json_atomic(folder / LOCATION, {"url": url})


def erase_shards(url: str) -> None:
    """Remove all that lies at `url`, of `shards_url`. Raises ArtifactError when it cannot be reached."""
    from ezsd.cache.objects import Objects  # Zarr is slow to import, and few artifacts lie at a URL

    Objects(url).delete_below("")
