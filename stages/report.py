"""`report`: the results of a run as a page and as a table in text."""

from ezsd.cache.artifacts import Mined, Renormed
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.pipeline.findings.finding import read_findings
from ezsd.pipeline.jobs.training_log import HISTORY, read_history
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.stages.pages.links import BrowserLinks, browser_page
from ezsd.stages.pages.mined import confidence_histogram, count_names, score_histogram
from ezsd.stages.pages.report.mistakes import error_pictures
from ezsd.stages.pages.report.page import (
    ARTIFACT_WORDS,
    Artifact,
    MinedProposals,
    PageContent,
    render_page,
)
from ezsd.stages.pages.report.pictures import detection_pairs, proposal_pictures
from ezsd.stages.pages.report.table import result_table

PAGE, TABLE = "index.html", "table.md"
HISTOGRAM_BINS = 40


def run(context: StageContext) -> StageResult:
    """Write `index.html` and `table.md`."""
    content = _gather(context)
    page = render_page(content).encode()
    write_bytes_atomic(context.folder / PAGE, page)
    write_bytes_atomic(context.folder / TABLE, (result_table(content.metrics) + "\n").encode())
    errors = sum(len(group.mistakes) + len(group.misses) for group in content.error_pictures.values())
    pictures = len(content.proposals.pictures) + 2 * len(content.pairs) + errors
    return StageResult({"pictures": pictures, "bytes": len(page)}, {"protocol": content.metrics["protocol"]})


def _gather(context: StageContext) -> PageContent:
    params, prepared = context.params.report, Prepared(context.parent("prepare"))
    evaluated, mined = EvaluationFolder(context.parent("evaluate")), Mined(context.parent("mine"))
    sources = resolve_sources(context.params.data, context.root, prepared.folder)
    manifests = {stage: read_manifest(context.parent(stage)) for stage in ARTIFACT_WORDS}
    links = BrowserLinks.between(context.folder / PAGE, browser_page(context.root))
    steps, losses = read_history(context.parent("train") / HISTORY)
    return PageContent(
        metrics=evaluated.metrics,
        classes=evaluated.classes,
        errors=evaluated.errors,
        steps=steps,
        losses=losses,
        proposals=MinedProposals(
            photos=manifests["mine"].counts["photos"],
            total=manifests["mine"].counts["proposals"],
            score=mined.score,
            scores=score_histogram(mined, HISTOGRAM_BINS),
            confidence=confidence_histogram(mined, HISTOGRAM_BINS),
            pictures=proposal_pictures(
                prepared, mined, sources.train.folder(), links, params.training_photos
            ),
        ),
        pairs=detection_pairs(evaluated, prepared.split, sources.val.folder(), params.validation_photos),
        error_pictures=error_pictures(
            evaluated,
            prepared.split,
            sources.val.folder(),
            {name: links.name(name) for name in count_names(mined)},
        ),
        check=Renormed(context.parent("renorm")).read().check,
        quarantined=prepared.quarantine,
        artifacts=[
            Artifact(stage, manifest.counts, manifest.fingerprint, read_findings(manifest))
            for stage, manifest in manifests.items()
        ],
    )
