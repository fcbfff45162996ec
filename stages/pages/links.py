"""Addresses in the browser of proposals, for the pages that lead to it."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

BROWSER = "proposals"


def browser_page(root: Path) -> Path:
    """Where `inspect proposals` writes its page for a run, unless another folder is chosen."""
    return root / BROWSER / "index.html"


@dataclass(frozen=True)
class BrowserLinks:
    """Addresses of choices in a browser of proposals.

    Attributes:
        page: address of the browser, relative to the page with the links.
    """

    page: str

    @staticmethod
    def between(page: Path, browser: Path) -> "BrowserLinks":
        """Links from one page on the disk to the browser."""
        return BrowserLinks(Path(os.path.relpath(browser.resolve(), page.resolve().parent)).as_posix())

    def photo(self, image_id: int) -> str:
        """All proposals of a training photo."""
        return self._chosen(photo=image_id)

    def proposal(self, image_id: int, rank: int) -> str:
        """One proposal of a training photo, by its rank from 1, opened."""
        return self._chosen(photo=image_id, open=f"{image_id}.{rank}")

    def name(self, name: str) -> str:
        """All proposals of a name."""
        return self._chosen(name=name)

    def _chosen(self, **choice: object) -> str:
        return f"{self.page}#{urlencode(choice)}"
