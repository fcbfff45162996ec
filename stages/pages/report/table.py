"""The result table of `metrics.json`, for the terminal, for a text file and for the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from ezsd.evaluation.groups import FREQUENCIES, GROUPS

SIZES = ("small", "medium", "large")
ABSENT = "–"
NAMES_LISTED = 10
RULES = {
    "lvis": "LVIS's federated AP, at most {} boxes a photo",
    "voc": "PASCAL VOC's AP, at most {} boxes of a category a photo",
}
"""Data format -> how it is scored, where it has rules of its own; `{}` is the limit."""
COCO_RULES = "COCO's AP, at most {} boxes of a category a photo"

Row = tuple[str, Mapping[str, float | None]]


def result_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Label and values by group, in percent, of each row of the table."""
    other = [
        (f"{key}, at most {limit} boxes", metrics["other_max_dets"][limit][key])
        for limit in sorted(metrics["other_max_dets"], key=int)
        for key in ("AP50", "AP")
    ]
    return [
        ("AP50", metrics["AP50"]),
        *([("AP50, 11 points", metrics["AP50_11_points"])] if "AP50_11_points" in metrics else []),
        ("AP", metrics["AP"]),
        ("AP75", metrics["AP75"]),
        *[(f"AP of {size} objects", metrics[f"AP_{size}"]) for size in SIZES if f"AP_{size}" in metrics],
        *[
            (f"{key} of {what}", metrics[part][key])
            for part, what in {"masks": "masks", "ensemble": "the ensemble"}.items()
            for key in ("AP50", "AP")
            if part in metrics
        ],
        *other,
        ("teacher accuracy, raw", metrics["teacher_accuracy"]["raw"]),
        ("teacher accuracy, re-normalized", metrics["teacher_accuracy"]["renormalized"]),
        ("student names true boxes", metrics["student"]["naming"]),
        ("proposal recall", metrics["proposal_recall"]),
    ]


def frequency_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Label and values of LVIS's rare, common and frequent names, in percent; none for other data."""
    scores = {"AP": metrics, "AP of masks": metrics.get("masks", {})}
    return [
        (label, {word: values[f"AP{kind}"] for kind, word in FREQUENCIES.items()})
        for label, values in scores.items()
        if "APr" in values
    ]


def result_table(metrics: Mapping[str, Any]) -> str:
    """Headline and tables in Markdown, aligned for the terminal too."""
    lines = [headline(metrics), "", *_lines(GROUPS, result_rows(metrics))]
    if by_frequency := frequency_rows(metrics):
        lines += ["", *_lines(tuple(FREQUENCIES.values()), by_frequency)]
    for sentence in notes(metrics):
        lines += ["", sentence]
    return "\n".join([*lines, *_absences(metrics)])


def aligned_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, aligned for the terminal too: labels to the left, values to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [_line(cells, widths) for cells in (head, rule, *rows)]


def headline(metrics: Mapping[str, Any]) -> str:
    """`world_48_17 (names known): 240 photos, 48 base and 17 novel categories, ...`"""
    data, classes = metrics["data"], metrics["data"]["categories"]
    return (
        f"{data['split']} ({metrics['protocol']}): {data['photos']:,} photos, {classes['base']} base and "
        f"{classes['novel']} novel categories; {rules(metrics)}"
    )


def rules(metrics: Mapping[str, Any]) -> str:
    """How the detections were scored, with the limit of boxes."""
    return RULES.get(metrics["data"]["format"], COCO_RULES).format(metrics["max_dets"])


def notes(metrics: Mapping[str, Any]) -> list[str]:
    """A sentence on each choice of the evaluation that is not the paper's."""
    sentences = []
    if "probing" in metrics:
        most = metrics["probing"]["boxes_per_name"]
        sentences.append(
            f"Novel names are found by probing: linear classifiers that learn from at most {most:,} cached "
            "proposals of each name."
        )
    if "ensemble" in metrics:
        weights = metrics["ensemble"]["teacher_weights"]
        sentences.append(
            "The ensemble is a geometric mean of the detector's and the re-normalized teacher's scores; "
            f"the teacher's exponent is {weights['base']:.3g} for base names and {weights['novel']:.3g} "
            "for novel ones."
        )
    return sentences


def percent(value: float | None) -> str:
    """One decimal, or a dash for None."""
    return ABSENT if value is None else f"{value:.1f}"


def _lines(columns: Sequence[str], table: Sequence[Row]) -> list[str]:
    rows = [(label, *(percent(values.get(column)) for column in columns)) for label, values in table]
    return aligned_lines(("in %", *columns), rows)


def _absences(metrics: Mapping[str, Any]) -> list[str]:
    """A sentence for each group of which some names, or all, have no AP."""
    data = metrics["data"]
    lines = []
    for group in ("base", "novel"):
        names = metrics.get("names_without_objects", {}).get(group, [])
        if data["objects"][group] == 0:
            lines.append(f"\n{ABSENT}: the validation photos have no {group} objects.")
        elif names:
            lines.append(
                f"\n{len(names)} of {data['categories'][group]} {group} names have no object in the "
                f"validation photos, so no AP: {_listed(names)}."
            )
    return lines


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_LISTED
    return ", ".join(names[:NAMES_LISTED]) + (f" and {more} more" if more > 0 else "")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    label, *values = cells
    aligned = [label.ljust(widths[0]), *map(str.rjust, values, widths[1:])]
    return f"| {' | '.join(aligned)} |"
