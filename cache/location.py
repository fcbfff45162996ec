"""Where the shards of an artifact are: in its folder, or below the URL in `location.json`.

The manifest is the same either way, so `location.json` is not part of the artifact. The URL ends with the
artifact's stage and fingerprint, so shards made from other inputs cannot be mistaken for these.
`location.json` is untrusted: shards are read where it points, but removed only below the run's own stores.
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
"""Names of the files at the URL."""

_OWN_URL = re.compile(r"[a-z][a-z0-9+.-]*://.*/[a-z_]+/[0-9a-f]{64}")


def shards_url(stores: str, stage: str, fingerprint: str) -> str:
    """Return the URL of an artifact's shards below the URL of all stores."""
    return f"{stores.rstrip('/')}/{stage}/{fingerprint}"


def store_location(folder: Path, name: str) -> "Location":
    """Return where the store `name` (`proposals.zarr`) of an artifact is. Raises as `read_location`."""
    url = read_location(folder)
    return folder / name if url is None else f"{url}/{name}"


def read_location(folder: Path) -> str | None:
    """Return the URL of an artifact's shards; None when they are in its folder.

    Raises:
        ArtifactError: `location.json` is damaged, or its URL does not look like one of `shards_url`.
    """
    path = folder / LOCATION
    try:
        url = parse_json(path.read_bytes())["url"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged; remove {folder} and make it again") from error
    if not isinstance(url, str) or not _OWN_URL.fullmatch(url):
        raise ArtifactError(f"{path} does not hold a URL of shards: it is foreign; remove it")
    return url


def write_location(folder: Path, url: str) -> None:
    """Record that the shards are at `url`, see `shards_url`."""
    write_json_atomic(folder / LOCATION, {"url": url})


def erase_shards(url: str) -> None:
    """Remove everything at `url`, see `shards_url`. Raises ArtifactError when it cannot be reached."""
    from ezsd.cache.objects import Objects  # Zarr is slow to import, and few artifacts are at a URL

    Objects(url).delete_below("")
