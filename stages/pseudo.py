"""`pseudo`: proposals that training does not count as background (not the paper's); none by default."""

from ezsd.cache.artifacts import Mined
from ezsd.cache.folders import remove_folder
from ezsd.cache.pseudo_file import FILE, PseudoTable, write_pseudo
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.findings.pseudo import pseudo_findings
from ezsd.pipeline.jobs.pseudo import held_back_mining, select_all
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.pseudo.calibration import fit_calibration
from ezsd.pseudo.config import PseudoConfig

PARTS = "parts"
"""Folder from which an interrupted run resumes; a finished run removes it."""


def run(context: StageContext) -> StageResult:
    """Write `pseudo.h5`, an empty table where `pseudo` is null."""
    config = context.params.pseudo
    if config is not None:
        return _choose(context, config)
    photos = len(Prepared(context.parent("prepare")).train)
    write_pseudo(context.folder / FILE, PseudoTable.empty(photos))
    return StageResult({"photos": photos, "boxes": 0}, {"names": "none"})


def _choose(context: StageContext, config: PseudoConfig) -> StageResult:
    mining = held_back_mining(context, config, context.folder / PARTS)
    context.map_shards(mining)
    calibration = fit_calibration(*mining.pairs())
    table = select_all(context, mining.photos, calibration, config)
    write_pseudo(context.folder / FILE, table)
    remove_folder(context.folder / PARTS)
    names = Mined(context.parent("mine")).names
    return StageResult(
        {"photos": table.photos, "boxes": len(table)},
        {
            "names": config.names,
            "held_back": [names[label] for label in mining.held],
            "calibration": calibration.to_dict(),
        },
        list(pseudo_findings(table, calibration)),
    )
