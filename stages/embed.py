"""`embed`: cache the re-normalized teacher's embeddings of base boxes and proposals for training."""

from ezsd.cache.artifacts import Embedded
from ezsd.pipeline.findings.embeddings import embedding_findings
from ezsd.pipeline.jobs.embed import embed_shards
from ezsd.pipeline.stage import StageContext, StageResult


def run(context: StageContext) -> StageResult:
    """Write `embeddings.zarr`, a row for each training photo."""
    embedded = Embedded(context.folder)
    job = embed_shards(context, embedded)
    context.map_shards(job)
    store = embedded.store
    store.finish()
    totals = store.totals(("count", "gt_count"))
    return StageResult(
        {"photos": store.rows, "proposals": totals["count"], "objects": totals["gt_count"]},
        {
            "protocol": embedded.protocol,
            "dtype": context.params.embed.dtype,
            "precision": job.teacher.used_precision,
        },
        list(embedding_findings(embedded)),
    )
