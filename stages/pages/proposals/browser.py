"""`ezsd-cli inspect proposals`: a static page to browse mined proposals, made from `mine` and `embed`."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ezsd.cache.artifacts import Embedded, Mined
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import is_current, manifest_digest, read_manifest
from ezsd.cache.writing import begin, publish
from ezsd.pipeline.code_digest import code_digest
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.device import one_thread
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.embed import context_factors
from ezsd.pipeline.models.teacher import prompts_of, renormalized_teacher
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import require_current
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split
from ezsd.stages.pages.links import BROWSER
from ezsd.stages.pages.proposals.map import map_entry
from ezsd.stages.pages.proposals.neighbours import EmbeddingDetails, gather_pool
from ezsd.stages.pages.proposals.page import (
    SCRIPTS,
    BrowserFolder,
    CropView,
    Facts,
    Name,
    overview,
    read_part,
    render_page,
    script,
)
from ezsd.stages.pages.proposals.shards import MOST_PROPOSALS, WriteShards, tile_side
from ezsd.stages.pages.report.pictures import evenly_spaced
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.protocol import Teacher


@dataclass(frozen=True)
class Extent:
    """How much to show: at most `photos` photos, evenly spaced, and the `best` proposals of each."""

    photos: int
    best: int

    def __post_init__(self) -> None:
        if self.photos < 1 or not 1 <= self.best <= MOST_PROPOSALS:
            raise PipelineError(
                f"{self.photos} photos with {self.best} proposals each cannot be shown: "
                f"choose at least 1 photo and 1 to {MOST_PROPOSALS} proposals"
            )


def write_browser(params: Params, root: Path, out: Path, extent: Extent) -> str | None:
    """Bring the page in `out` up to date; resumes an interrupted run.

    Returns:
        Why nearest names and neighbours are missing; None if they are there.

    Raises:
        ArtifactError: proposals are missing or stale, or `out` holds files of something else.
        PipelineError: no photo has a proposal.
    """
    require_current(STAGES, "mine", params, root)
    context = StageContext(params, root, out.resolve())
    problem = _embedding_problem(context)
    inputs = {
        "parents": {
            "mine": manifest_digest(context.parent("mine")),
            "embed": None if problem else manifest_digest(context.parent("embed")),
        },
        "shown": {"photos": extent.photos, "best": extent.best},
        "code": code_digest(__name__),
    }
    if not is_current(context.folder, inputs):
        begin(context.folder, BROWSER, inputs)
        facts = _write(context, extent, embedded=problem is None)
        publish(
            context.folder,
            {"photos": facts.photos, "proposals": facts.proposals},
            {"protocol": facts.protocol},
        )
    return problem


def _embedding_problem(context: StageContext) -> str | None:
    try:
        require_current(STAGES, "embed", context.params, context.root)
    except ArtifactError as error:
        return str(error)
    return None


def _write(context: StageContext, extent: Extent, embedded: bool) -> Facts:
    prepared, mined = Prepared(context.parent("prepare")), Mined(context.parent("mine"))
    mined_counts = mined.store.read("count", range(mined.store.rows)).astype(np.int64)
    rows = np.array(evenly_spaced(np.flatnonzero(mined_counts).tolist(), extent.photos), np.int64)
    if not len(rows):
        raise PipelineError("no photo has proposals to show: see `ezsd-cli inspect mine`")
    counts = np.minimum(mined_counts[rows], extent.best)
    teacher = renormalized_teacher(context).load()
    details = _details(context, teacher, rows, counts) if embedded else None
    views = crop_views(context.params, mined.scored_context_factor, embedded)
    folder = BrowserFolder(context.folder, len(rows))
    job = WriteShards(
        folder=folder,
        prepared=prepared.folder,
        photos=resolve_sources(context.params.data, context.root, prepared.folder).train.folder(),
        mined=mined.folder,
        rows=rows,
        best=extent.best,
        views=views,
        image_size=teacher.image_size,
        details=details,
    )
    context.map_shards(job)
    if details is not None:
        write_bytes_atomic(folder.map, script("map", map_entry(details.pool)))
    facts = Facts(
        protocol=mined.protocol,
        score=mined.score,
        split=prepared.split.name,
        photos=len(rows),
        proposals=int(counts.sum()),
        all_photos=len(mined_counts),
        all_proposals=int(mined_counts.sum()),
        with_proposals=int((mined_counts > 0).sum()),
        best=extent.best,
        pool=len(details.pool.places) if details else 0,
        embedded=embedded,
        fingerprint=read_manifest(mined.folder).fingerprint,
    )
    names = mining_names(mined, prepared.split)
    write_page(folder, facts, names, views, tile_side(teacher.image_size))
    return facts


def write_page(
    folder: BrowserFolder, facts: Facts, names: list[Name], views: list[CropView], tile: int
) -> None:
    """Write the page, its scripts, and the overview that they start from."""
    write_bytes_atomic(folder.overview, script("overview", overview(facts, names, views, tile)))
    for name in SCRIPTS:
        write_bytes_atomic(folder.root / name, read_part(name).encode())
    write_bytes_atomic(folder.page, render_page(facts).encode())


def crop_views(params: Params, scored_context_factor: float | None, embedded: bool) -> list[CropView]:
    """The crops that the teacher saw of each box, tightest first; equal crops are one view."""
    purposes: dict[float, list[str]] = defaultdict(list)
    if scored_context_factor is not None:
        purposes[scored_context_factor].append("scored")
    purposes[params.mine.context_factor].append("named")
    if embedded:
        for factor in context_factors(params):
            purposes[factor].append("embedded")
    return [CropView(factor, ", ".join(words)) for factor, words in sorted(purposes.items())]


def mining_names(mined: Mined, split: Split) -> list[Name]:
    """The names that mining scored, each with its side of the split."""
    return [
        Name(name, "base" if label < mined.base_count else "novel" if name in split.novel else "other")
        for label, name in enumerate(mined.names)
    ]


def _details(
    context: StageContext, teacher: Teacher, rows: np.ndarray, counts: np.ndarray
) -> EmbeddingDetails:
    embedded, mined = Embedded(context.parent("embed")), Mined(context.parent("mine"))
    with one_thread(), torch.inference_mode():
        text = embed_names(teacher, mined.names, prompts_of(context.params.teacher)).cpu().numpy()
    return EmbeddingDetails(embedded.folder, text, teacher.logit_scale, gather_pool(embedded, rows, counts))
