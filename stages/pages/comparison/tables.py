"""Which results may stand in one table: those that answer the same question."""

from collections.abc import Sequence
from dataclasses import dataclass

from ezsd.evaluation.groups import FREQUENCIES, GROUPS
from ezsd.pipeline.errors import PipelineError
from ezsd.stages.pages.comparison.results import PublishedResult, Question, RunResult

MEASURES = ("AP50", "AP", "AP of masks", "AP of boxes or masks")
"""In the order of the columns; the last is of papers that were collected without saying which."""


@dataclass(frozen=True)
class Table:
    """Results that answer one question: runs first, then published ones."""

    question: Question
    runs: Sequence[RunResult]
    published: Sequence[PublishedResult]

    @property
    def results(self) -> list[RunResult | PublishedResult]:
        """All rows."""
        return [*self.runs, *self.published]

    @property
    def measures(self) -> list[str]:
        """Those that any row has."""
        return [measure for measure in MEASURES if any(measure in row.values for row in self.results)]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Measure and group of each value that any row has."""
        return [
            (measure, group)
            for measure in self.measures
            for group in (*GROUPS, *FREQUENCIES.values())
            if any(row.values.get(measure, {}).get(group) is not None for row in self.results)
        ]


@dataclass(frozen=True)
class Comparison:
    """Tables, and the published results of the same splits that answer another question than the runs."""

    tables: Sequence[Table]
    left_out: Sequence[PublishedResult]


def compare(runs: Sequence[RunResult], published: Sequence[PublishedResult]) -> Comparison:
    """One table of all runs, with the published results that answer their question.

    Raises PipelineError when the runs do not answer the same question.
    """
    _require_one_question(runs)
    tables = _tables_of_runs(runs, published)
    return Comparison(tables, _unanswered(tables, published))


def compare_mixed(runs: Sequence[RunResult], published: Sequence[PublishedResult]) -> Comparison:
    """A table for each question that a run answers, then one for each other that a published result does."""
    tables = _tables_of_runs(runs, published)
    others = _unanswered(tables, published)
    questions = _distinct([_question_of(result) for result in others])
    rest = [
        Table(question, (), [result for result in others if _question_of(result) == question])
        for question in questions
    ]
    return Comparison([*tables, *rest], ())


def _require_one_question(runs: Sequence[RunResult]) -> None:
    first = runs[0]
    for other in runs[1:]:
        differing = [
            f"{key}: {first.question.get(key)}, {other.question.get(key)}"
            for key in {**first.question, **other.question}
            if first.question.get(key) != other.question.get(key)
        ]
        if differing:
            raise PipelineError(
                f"{first.name} and {other.name} do not answer the same question ({'; '.join(differing)}): "
                "evaluate them alike, or give --mixed for a table each"
            )


def _tables_of_runs(runs: Sequence[RunResult], published: Sequence[PublishedResult]) -> list[Table]:
    return [
        Table(
            question,
            [run for run in runs if run.question == question],
            [result for result in published if _answers(result, question)],
        )
        for question in _distinct([run.question for run in runs])
    ]


def _answers(result: PublishedResult, question: Question) -> bool:
    same = (result.split, result.protocol) == (question.get("split"), question["protocol"])
    return same and result.photos in (None, question.get("photos"))


def _unanswered(tables: Sequence[Table], published: Sequence[PublishedResult]) -> list[PublishedResult]:
    splits = {table.question.get("split") for table in tables}
    shown = [result for table in tables for result in table.published]
    return [result for result in published if result.split in splits and result not in shown]


def _question_of(result: PublishedResult) -> Question:
    photos = {} if result.photos is None else {"photos": result.photos}
    return {"protocol": result.protocol, "split": result.split, **photos}


def _distinct(questions: Sequence[Question]) -> list[Question]:
    return [question for place, question in enumerate(questions) if question not in questions[:place]]
