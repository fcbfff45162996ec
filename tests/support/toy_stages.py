"""A stage that writes three small files, for tests of how stages are run."""

from dataclasses import dataclass, field
from pathlib import Path

from ezsd.pipeline.findings.finding import Finding
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.stage import Stage, StageContext, StageResult

PARAMS = parse_params(preset_text("demo"))
OTHER = parse_params(preset_text("demo"), ["mine.keep=7"])


@dataclass(frozen=True)
class ToyStage(Stage):
    """Writes one file for each of three parts and remembers which it wrote."""

    wrote: list[str] = field(default_factory=list, compare=False)
    dies_at: list[int] = field(default_factory=list, compare=False)
    outside: dict[str, str] = field(default_factory=dict, compare=False)
    findings: list[Finding] = field(default_factory=list, compare=False)

    @property
    def module(self) -> str:
        return "ezsd.cache.atomic"

    def external_inputs(self, params: Params, root: Path) -> dict[str, str]:
        return self.outside

    def run(self, context: StageContext) -> StageResult:
        for part in range(3):
            path = context.folder / f"part-{part}"
            if path.exists():
                continue
            if self.dies_at and self.dies_at[0] == part:
                raise KeyboardInterrupt
            path.write_text(f"{self.name} {part}")
            self.wrote.append(path.name)
        return StageResult({"parts": 3}, {"toy": True}, self.findings)
