"""`data check`: what the data hold and what is wrong with them, in words and on a page. Not a stage.

Novel boxes are counted and shown. That is no leak: no stage reads what is written here.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.data.sources import DataSources, resolve_sources
from ezsd.pipeline.data_check.check import check_data
from ezsd.pipeline.data_check.findings import DataReport
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.models.teacher import prompts_of, resolve_teacher
from ezsd.pipeline.outside import RANDOM
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder
from ezsd.stages.pages.data_check.page import render_page
from ezsd.stages.pages.data_check.pictures import illustrate
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import cut_names

PAGE = "index.html"


def data_sources(params: Params, root: Path) -> DataSources:
    """Where the data are. Raises PipelineError for the embedded world before `prepare` has drawn it."""
    sources = resolve_sources(params.data, root, artifact_folder(root, "prepare"))
    if sources.train.drawn and not sources.train.annotations.is_file():
        raise PipelineError("the embedded world is not drawn yet: run `ezsd-cli precompute --only prepare`")
    return sources


def check_sources(params: Params, root: Path, sources: DataSources) -> DataReport:
    """Reads all annotations and photos, and changes none."""

    def cut(names: Sequence[str]) -> list[str]:
        # the tokenizer knows, so that no weights need be here
        source = resolve_teacher(replace(params.teacher, weights=RANDOM), root)
        return cut_names(load_teacher(source), names, prompts_of(params.teacher))

    return check_data(params, root, sources, cut)


def require_own_folder(out: Path) -> None:
    """Raises PipelineError when the folder of the page holds anything but an earlier page."""
    strangers = sorted(path.name for path in out.iterdir() if path.name != PAGE) if out.is_dir() else []
    if strangers:
        raise PipelineError(
            f"{out} holds other files, such as {strangers[0]}: give a new folder for the page"
        )


def write_page(report: DataReport, sources: DataSources, out: Path) -> None:
    """Write the page into the folder, with a picture of each kind of finding."""
    write_bytes_atomic(out / PAGE, render_page(report, illustrate(report, sources)).encode())
