"""`ezsd-cli result`: the numbers of the last evaluation."""

from pathlib import Path

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, AsJson, ParamsPath, root_of, show

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli result --json`")
def result(as_json: AsJson = False, params: ParamsPath = DEFAULT_PARAMS) -> None:
    """Print the table of the last evaluation, and the findings of all stages."""
    show_result(root_of(params), as_json)


def show_result(root: Path, as_json: bool) -> None:
    """Print the metrics of the run in `root`, and the findings of its stages.

    Raises:
        PipelineError: the run is not evaluated.
        ArtifactError: its `metrics.json` is damaged.
    """
    from ezsd.pipeline.errors import PipelineError
    from ezsd.pipeline.evaluation_files import METRICS, EvaluationFolder
    from ezsd.pipeline.runner import artifact_folder
    from ezsd.stages.pages.inspection_text import findings_text, inspect_summary
    from ezsd.stages.pages.report.table import result_table

    folder = artifact_folder(root, "evaluate")
    if not (folder / METRICS).is_file():
        raise PipelineError(f"{folder / METRICS} does not exist: run `ezsd-cli eval`")
    metrics = EvaluationFolder(folder).metrics
    summary = inspect_summary(root)
    findings = {stage: state["findings"] for stage, state in summary.items() if state.get("findings")}
    show({**metrics, "findings": findings}, result_table(metrics) + findings_text(findings), as_json)
