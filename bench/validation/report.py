"""The whole comparison as one Markdown file."""

from collections.abc import Sequence
from pathlib import Path

from bench.tables import Table, interval
from bench.validation.agreement import ceiling
from bench.validation.result import Validation
from bench.validation.tables import details, summary, tables


def markdown(validations: Sequence[Validation], pictures: Sequence[Path]) -> str:
    """The whole report."""
    lines = ["# Predicted from shuffle alone, beside real runs", "", DEFINITIONS, ""]
    lines += [part for path in pictures for part in (f"![{path.stem}]({path.name})", "")]
    lines += _shown(summary(validations))
    for one in validations:
        lines += [f"## {one.setting}", "", lead(one), ""]
        lines += [line for table in (*tables(one), *details(one)) for line in _shown(table)]
    return "\n".join(lines).rstrip() + "\n"


DEFINITIONS = (
    "Gain: held-out solve rate over shuffle's at equal rollouts, in units of what shuffle learns, "
    "mean over paired seeds. ETR: share of generated groups with both successes and failures. TTB: "
    "rollouts to reach a share of shuffle's best gain, in units of shuffle's own. Intervals: 95 %, "
    "bootstrap over seeds, real and simulated ones apart; none below 3 seeds."
)


def lead(one: Validation) -> str:
    """How much was compared, and how far one real seed agrees with the others."""
    taus = ceiling(one.real)
    noise = (
        f"Noise ceiling, tau of one real seed with the mean of the others: {taus.mean():.2f} "
        f"({', '.join(f'{tau:.2f}' for tau in taus)})."
        if taus.size
        else "One real seed tells no noise ceiling."
    )
    return (
        f"{len(one.real.strategies)} strategies, {len(one.real.seeds)} real and "
        f"{len(one.predicted[0].seeds)} simulated seeds. Shuffle learns "
        f"{interval(one.real.learnt(), 3)} in held-out solve rate. {noise}"
    )


def _shown(table: Table) -> list[str]:
    return [f"**{table.title}**", "", table.markdown(), ""]
