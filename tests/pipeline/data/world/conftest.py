from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner


@pytest.fixture
def train_briefly() -> Callable[..., dict[str, bytes]]:
    """Runs a training command for two steps; returns the files that it writes."""

    def run(main: Callable[..., None], folder: Path) -> dict[str, bytes]:
        app = typer.Typer()
        app.command()(main)
        sizes = ["--steps", "2", "--pictures", "130", "--batch-size", "65", "--threads", "1"]
        result = CliRunner().invoke(app, [str(folder), *sizes])
        assert result.exit_code == 0, result.output
        assert "accuracy on fresh" in result.output
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    return run
