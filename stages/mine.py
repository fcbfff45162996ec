"""`mine`: proposals of the re-normalized teacher on the training photos."""

from importlib import import_module

from ezsd.cache.artifacts import Mined
from ezsd.pipeline.executor import keep_workers
from ezsd.pipeline.findings.mining import mining_findings
from ezsd.pipeline.jobs.mine import MinerSource, MiningInputs, mine_shards, mining_inputs, mining_names
from ezsd.pipeline.stage import StageContext, StageResult


@keep_workers()
def run(context: StageContext) -> StageResult:
    """Write `proposals.zarr`, a row for each training photo."""
    inputs = mining_inputs(context)
    return fill_store(inputs, _prepare_miner(inputs))


def fill_store(inputs: MiningInputs, source: MinerSource) -> StageResult:
    """Mine all photos with the miner and write the store."""
    context = inputs.context
    params, mined = context.params.mine, Mined(context.folder)
    names = mining_names(params, inputs.photos.prepared.split)
    context.map_shards(mine_shards(inputs, names, source, mined))
    mined.store.finish()
    totals = mined.store.totals(("count", "anchors", "forwards"))
    return StageResult(
        {"photos": mined.store.rows, "proposals": totals.pop("count"), **totals},
        {
            "protocol": names.protocol,
            "method": params.method,
            "names": len(names.names),
            "precision": inputs.teacher.used_precision,
        },
        mining_findings(mined),
    )


def _prepare_miner(inputs: MiningInputs) -> MinerSource:
    """Import the chosen method alone: the others are no part of the fingerprint."""
    method = import_module(f"ezsd.pipeline.jobs.mine_{inputs.context.params.mine.method}")
    source: MinerSource = method.prepare_miner(inputs)
    return source
