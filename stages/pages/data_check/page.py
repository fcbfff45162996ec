"""From a report on the data to HTML."""

from collections.abc import Sequence
from importlib import resources

import jinja2
from markupsafe import Markup

from ezsd.pipeline.data_check.findings import DataReport
from ezsd.stages.commands.data_check_text import count_rows, name_rows, verdict
from ezsd.stages.pages.data_check.pictures import Shown
from ezsd.stages.pages.report.page import STYLE
from ezsd.stages.pages.report.page import read_part as read_report_part

TEMPLATE = "page.html"


def render_page(report: DataReport, shown: Sequence[Shown]) -> str:
    """The whole page; the same report and photos give the same bytes."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.undefined = jinja2.StrictUndefined
    environment.filters["thousands"] = "{:,}".format
    template = (resources.files("ezsd.stages.pages.data_check") / TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(template).render(
        report=report,
        shown=shown,
        counts=count_rows(report),
        names=name_rows(report),
        verdict=verdict(report),
        style=Markup(read_report_part(STYLE)),  # packaged with the project, so it needs no escaping
    )
