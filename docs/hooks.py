"""What the docs site has beside Markdown: README as first page, links into the code, equations."""

import html
import os
import re
from pathlib import Path, PurePosixPath

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
_README = {"index.md": "README.md", "recipes/index.md": "docs/recipes/README.md"}
"""Pages of the site that are a README in the repository."""
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)")
_MATH = re.compile(r'<(span|div) class="arithmatex">\s*\\([(\[])(.*?)\\[)\]]\s*</\1>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the READMEs, and a page for each file of the repository that a page links to."""
    for page, source in _README.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    linked = {path for file in files.documentation_pages() for path in _code_links(file)}
    for path in sorted(linked):
        files.append(File.generated(config, _page_of(path), content=_code_page(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Point links that leave `docs/` to the pages of the site that show the same file."""
    folder = _source(page.file).parent

    def rewritten(match: re.Match[str]) -> str:
        path = _resolve(folder, match[1])
        target = _site_path(path)
        here = PurePosixPath(page.file.src_uri).parent
        return f"]({os.path.relpath(target, here)}{match[2] or ''})" if target else match[0]

    return _LINK.sub(rewritten, markdown)


def on_page_content(content: str, **_: object) -> str:
    """Set equations as MathML, which browsers show without a script."""
    return _MATH.sub(
        lambda m: convert(html.unescape(m[3]), display="inline" if m[2] == "(" else "block"), content
    )


def _source(file: File) -> PurePosixPath:
    """Return where the page's text is in the repository."""
    return PurePosixPath(_README.get(file.src_uri, f"docs/{file.src_uri}"))


def _resolve(folder: PurePosixPath, link: str) -> str:
    return os.path.normpath(folder / link).replace(os.sep, "/")


def _site_path(path: str) -> str | None:
    """Return the site's page for a file of the repository, None if there is no such file."""
    for page, source in _README.items():
        if source in (path, f"{path}/README.md"):
            return page
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return _page_of(path) if (ROOT / path).exists() else None


def _page_of(path: str) -> str:
    return f"code/{path}.md"


def _code_links(file: File) -> set[str]:
    if not file.src_uri.endswith(".md"):
        return set()
    source = _source(file)
    links = (_resolve(source.parent, match[1]) for match in _LINK.finditer((ROOT / source).read_text()))
    return {path for path in links if (target := _site_path(path)) and target.startswith("code/")}


def _code_page(path: str) -> str:
    """Return a page with a file's text, or with a folder's list of files."""
    place = ROOT / path
    header = f"---\nsearch: {{exclude: true}}\n---\n\n# `{path}`\n\n"
    if place.is_dir():
        return header + "\n".join(f"- `{child.name}`" for child in sorted(place.iterdir()) if child.is_file())
    language = {".py": "python", ".yaml": "yaml", ".toml": "toml"}.get(place.suffix, "text")
    return header + f"````{language}\n{place.read_text()}\n````\n"
