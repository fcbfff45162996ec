"""`ezsd-cli inspect`: the summary of all artifacts, and the text that is printed. Quick to import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import Manifest, read_manifest
from ezsd.pipeline.findings.finding import FACT, read_findings
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.runner import artifact_folder
from ezsd.stages.pages.report.table import result_table

if TYPE_CHECKING:
    from ezsd.stages.pages.photo_details import PhotoDetails

BAR = 40
LAYERS_LISTED = 15
NAMES_LISTED = 15
ENTRIES_SHOWN = 8


def inspect_summary(root: Path) -> dict[str, Any]:
    """State, counts and facts of every stage's artifact, from the manifests alone."""
    return {stage: _state(artifact_folder(root, stage)) for stage in STAGES}


def outline(manifest: Manifest) -> dict[str, Any]:
    """What the manifest says; files as their number and total size.

    Raises ArtifactError if its findings are malformed.
    """
    return {
        "fingerprint": manifest.fingerprint,
        "counts": dict(manifest.counts),
        "facts": {name: fact for name, fact in manifest.facts.items() if name != FACT},
        "findings": [finding.as_json() for finding in read_findings(manifest)],
        "files": len(manifest.files),
        "bytes": sum(file.bytes for file in manifest.files.values()),
    }


def summary_text(summary: Mapping[str, Any]) -> str:
    """One line for each artifact, with its findings below it."""
    return "\n".join(_outline_lines(stage, state) for stage, state in summary.items())


def findings_text(findings: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """One line for each finding of each stage, behind an empty line; empty without findings."""
    lines = [f"{stage}: finding {one['text']}" for stage, found in findings.items() for one in found]
    return "\n".join(["", "", *lines]) if lines else ""


def stage_text(details: Mapping[str, Any]) -> str:
    """One artifact in detail."""
    parts = [_outline_lines(details["stage"], {"state": "complete", **details})]
    parts += [f"  {name}: {_value(value)}" for name, value in details["facts"].items()]
    if "arrays" in details:
        rows = [(name, _shape(array["shape"]), array["dtype"]) for name, array in details["arrays"].items()]
        parts += ["", text_table(("array", "shape", "dtype"), rows)]
    if "scores" in details:
        parts += ["", f"score ({details['score']})", histogram_text(details["scores"])]
    if "confidence" in details:
        parts += ["", "confidence", histogram_text(details["confidence"])]
    if "names" in details:
        top = list(details["names"].items())[:NAMES_LISTED]
        parts += ["", text_table(("name", "boxes"), [(name, f"{count:,}") for name, count in top])]
    if "check" in details:
        parts += ["", check_text(details["check"])]
    if "norm_changes" in details:
        parts += ["", norm_text(details["norm_changes"])]
    if details.get("quarantined"):
        rows = [(item["what"], item["where"], item["reason"]) for item in details["quarantined"]]
        parts += ["", text_table(("kind", "where", "reason"), rows)]
    if "metrics" in details:
        parts += ["", result_table(details["metrics"])]
    return "\n".join(parts)


def image_text(photo: "PhotoDetails") -> str:
    """A photo's proposals or pseudo boxes as a table: rank, score, name, confidence, box."""
    head = (
        f"image {photo.image_id} ({photo.file_name}), {photo.width}x{photo.height}: "
        f"{len(photo.proposals)} {photo.kind}"
    )
    rows = [
        (
            str(row["rank"]),
            f"{row['score']:.3f}",
            row["name"],
            f"{row['confidence']:.3f}",
            " ".join(f"{side:.1f}" for side in row["box_xyxy"]),
        )
        for row in photo.as_json()["proposals"]
    ]
    return f"{head}\n{text_table(('rank', 'score', 'name', 'confidence', 'box x0 y0 x1 y1'), rows)}"


def norm_text(changes: Sequence[Mapping[str, Any]]) -> str:
    """The norm layers that changed most, as a table."""
    rows = [
        (change["tower"], change["name"], str(change["channels"]), f"{change['relative_change']:.2%}")
        for change in changes[:LAYERS_LISTED]
    ]
    more = len(changes) - len(rows)
    return text_table(("tower", "norm layer", "channels", "change"), rows) + (
        f"\nand {more} more" if more else ""
    )


def check_text(check: Mapping[str, Any]) -> str:
    """Accuracy on held-back boxes before and with the choice, and by epoch."""
    rows = [
        (kind["boxes_of"], f"{kind['boxes']:,}", f"{kind['raw']:.1%}", f"{kind['chosen']:.1%}",
         f"{kind['standard_error']:.1%}", " ".join(f"{max(row):.1%}" for row in kind["accuracy"]))
        for kind in check["kinds"]
    ]  # fmt: skip
    return (
        f"check: stopped after epoch {check['epoch']}, {check['way']:g} of the way from raw to tuned; "
        f"held back: {', '.join(check['held_back_names'])}\n"
    ) + text_table(("boxes of", "boxes", "raw", "chosen", "+-", "best by epoch, from raw"), rows)


def histogram_text(histogram: Mapping[str, Any]) -> str:
    """One line for each bin: its range, a bar, its count."""
    counts, low = histogram["counts"], histogram["low"]
    step = (histogram["high"] - low) / max(len(counts), 1)
    longest = max(counts, default=0) or 1
    return "\n".join(
        f"{low + step * place:6.2f} to {low + step * (place + 1):6.2f} "
        f"{'#' * round(BAR * count / longest):{BAR}} {count:,}"
        for place, count in enumerate(counts)
    )


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, two spaces apart."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def _state(folder: Path) -> dict[str, Any]:
    try:
        return {"state": "complete", **outline(read_manifest(folder))}
    except ArtifactError as error:
        return {"state": str(error)}


def _outline_lines(stage: str, state: Mapping[str, Any]) -> str:
    if state["state"] != "complete":
        return f"{stage:9} -- {state['state']}"
    counts = ", ".join(f"{_value(count)} {name.replace('_', ' ')}" for name, count in state["counts"].items())
    size = f"{state['files']} files, {state['bytes'] / 1e3:,.0f} kB"
    outlined = f"{stage:9} {counts}; {size}; {state['fingerprint'][:12]}"
    return "\n".join([outlined, *(f"{'':9} finding {finding['text']}" for finding in state["findings"])])


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(f"{size:,}" for size in shape)


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and len(value) > ENTRIES_SHOWN:
        return f"{len(value)} entries, see --json"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
