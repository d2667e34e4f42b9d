"""Verdicts about a log in Markdown."""

from collections.abc import Mapping

from bench.replay.judge import Judged, Verdict
from bench.replay.log import Log
from bench.replay.offpolicy import OffPolicy
from bench.replay.trivial import OWN
from bench.stats import Estimate
from bench.strategies import REFERENCE
from bench.tables import Table, interval

_DIGITS = 3
_COLUMNS = {
    "log-loss": "log_loss",
    f"over {OWN}": "over_own",
    "Brier": "brier",
    "AUC": "auc",
    "calibration error": "calibration_error",
}


def markdown(log: Log, judged: Judged, own: Mapping[str, Estimate], name: str, command: str) -> str:
    """The page; `own` has the shares of informative groups in strategies' own runs."""
    parts = [
        f"# Replay of {name}",
        f"    {command}",
        _facts(log, judged),
        "## What was believed\n\n" + _words_on_beliefs(),
        beliefs(judged).markdown(),
        "## What would be chosen\n\n" + _words_on_choices(judged),
        choices(judged, own).markdown(),
    ]
    refusals = [f"- {v.strategy}: {v.refusal}" for v in judged.verdicts if v.refusal]
    if refusals:
        parts.append("Not estimated off-policy:\n\n" + "\n".join(refusals))
    return "\n\n".join(parts) + "\n"


def beliefs(judged: Judged) -> Table:
    """Scores of every strategy and of the trivial estimators."""
    found = {v.strategy: v.scores for v in judged.verdicts} | judged.trivial
    rows = tuple(
        (name, *(_score(scores, column) for column in _COLUMNS.values()))
        for name, scores in found.items()
    )
    return Table("What was believed", ("estimator", *_COLUMNS), rows)


def choices(judged: Judged, own: Mapping[str, Estimate]) -> Table:
    """What each strategy would get."""
    headings = (
        "strategy",
        "informative, on the replay",
        f"over {REFERENCE}",
        "distinct tasks",
        "informative, off-policy",
        "coverage",
        "worth groups",
    )
    rows = [_chosen(verdict) for verdict in judged.verdicts]
    if judged.anyone is not None:
        rows.append(("any task", "-", "-", "-", *_off_policy(judged.anyone)))
    if own:
        headings = (*headings, "informative, in runs of its own")
        rows = [(*row, interval(own[row[0]], _DIGITS) if row[0] in own else "-") for row in rows]
    return Table("What would be chosen", headings, tuple(rows))


def _chosen(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.strategy,
        interval(verdict.informative, _DIGITS),
        "-" if verdict.strategy == REFERENCE else interval(verdict.over, _DIGITS, signed=True),
        f"{verdict.distinct:.0f}",
        *_off_policy(verdict.off_policy),
    )


def _off_policy(found: OffPolicy | None) -> tuple[str, str, str]:
    if found is None:
        return "-", "-", "-"
    return interval(found.share, _DIGITS), f"{found.coverage:.0%}", f"{found.effective:.0f}"


def _score(scores: dict[str, Estimate] | None, name: str) -> str:
    return "-" if scores is None else interval(scores[name], _DIGITS, signed=name == "over_own")


def _facts(log: Log, judged: Judged) -> str:
    trace, sizes = log.trace, judged.sizes
    return (
        f"{trace.task_R.size:,} groups of {trace.group_size} rollouts of {trace.num_tasks:,} "
        f"tasks, in {log.num_steps} steps. Informative are {judged.logged:.3f} of them, and "
        f"{judged.replayed:.3f} of the same groups under the replay's rates: so far is the replay "
        f"off. Its rates share counts over {judged.reach:.0f} steps, and their prior is worth "
        f"{judged.strength:g} rollouts.\n\n"
        f"Replayed runs: {sizes.steps} steps of {sizes.batch_size} tasks x {sizes.group_size} "
        f"rollouts, {judged.seeds} paired seeds, Student's intervals."
    )


def _words_on_beliefs() -> str:
    return (
        "Each logged rollout, foretold before its batch was learnt; intervals of 95 % over "
        f"resampled tasks. `over {OWN}` is the difference in log-loss, paired. The last lines are "
        "estimators that anyone can write down."
    )


def _words_on_choices(judged: Judged) -> str:
    if judged.anyone is None:
        return (
            "How the log chose its batches is not known, so nothing is estimated off-policy: say "
            "it with `--logged`, or log the column `inclusion`."
        )
    return (
        "Off-policy: from the logged groups that coincide with what the strategy asked for, of the "
        "covered part of its choices alone; intervals of 95 % over blocks of steps. `any task` is "
        "what a choice gets that ignores results."
    )
