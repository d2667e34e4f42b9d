"""Predicted beside real, in tables."""

from collections.abc import Sequence

import numpy as np

from bench import stats
from bench.metrics import Floats
from bench.run_figures import FRACTIONS_TTB
from bench.tables import Table, interval, number
from bench.validation.agreement import Agreement, agreement
from bench.validation.outcomes import WINDOWS, Outcomes
from bench.validation.result import Validation
from bench.validation.trivial import trivial

_SHOWN_WINDOWS = (0, WINDOWS // 2 - 1, WINDOWS - 1)


def summary(validations: Sequence[Validation]) -> Table:
    """Rank agreement and error of gains, by mechanism and setting."""
    names = list(dict.fromkeys(name for each in validations for name in each.mechanisms))
    found = {
        (each.setting, fitted.mechanism): agreement(each.real, predicted)
        for each in validations
        for fitted, predicted in zip(each.fits, each.predicted, strict=True)
    }

    def cell(setting: str, name: str) -> str:
        one = found.get((setting, name))
        return "-" if one is None else f"{interval(one.kendall, 2)}; {interval(one.gain_error, 2)}"

    return Table(
        "Kendall's tau of real and predicted gains; mean absolute error of gains",
        ("mechanism", *(each.setting for each in validations)),
        tuple((name, *(cell(each.setting, name) for each in validations)) for name in names),
    )


def tables(one: Validation) -> list[Table]:
    """What matters most of one setting."""
    return [_agreement(one), _gains(one), _pool(one), _growth(one), _trivial(one)]


def details(one: Validation) -> list[Table]:
    """The rest."""
    return [_ttb(one), _etr(one)]


def _agreement(one: Validation) -> Table:
    def row(name: str, found: Agreement) -> tuple[str, ...]:
        return (
            name,
            interval(found.kendall, 2),
            interval(found.spearman, 2),
            interval(found.gain_error, 2),
            "{} of {}".format(*found.signs),
            "{} of {}".format(*found.decided),
            f"{found.etr_error:.3f}",
            f"{found.etr_bias:+.3f}",
            *(_plain(error) for error in found.ttb_errors),
            "{} of {}".format(*found.reached),
        )

    pairs = zip(one.lettered, one.predicted, strict=True)
    return Table(
        "Agreement",
        (
            "mechanism",
            "Kendall",
            "Spearman",
            "gain error",
            "signs",
            "signs, where decided",
            "ETR error",
            "ETR bias",
            *(f"TTB {part} %, log-ratio" for part in FRACTIONS_TTB),
            "TTB 100 % reached alike",
        ),
        tuple(row(name, agreement(one.real, predicted)) for name, predicted in pairs),
    )


def _trivial(one: Validation) -> Table:
    rows = []
    for found in trivial(one.real):
        real = one.real.take(found.strategies)
        ours = [agreement(real, each.take(found.strategies)).kendall for each in one.predicted]
        taus = (f"{tau:.2f}" for tau in (found.kendall, *(each.value for each in ours)))
        rows.append((found.name, str(len(found.strategies)), *taus))
    return Table(
        "Kendall's tau of rankings without a simulator, and of predictions on the same strategies",
        ("ranked by", "strategies", "tau", *one.letters),
        tuple(rows),
    )


def _gains(one: Validation) -> Table:
    def row(p: int, name: str) -> tuple[str, ...]:
        predictions = (interval(each.relative(p), 2, signed=True) for each in one.predicted)
        return (name, interval(one.real.relative(p), 2, signed=True), *predictions)

    rows = sorted(enumerate(one.real.strategies), key=lambda each: -one.real.relative_P()[each[0]])
    return Table(
        "Gain over shuffle, in units of what shuffle learns",
        ("strategy", "real", *one.letters),
        tuple(row(p, name) for p, name in rows if p != 0),
    )


def _pool(one: Validation) -> Table:
    """What selection makes of the tasks that it may choose, and of those that nobody trains on."""

    def cell(values_S: Floats) -> str:
        return interval(stats.bootstrap(values_S, stats.mean), 3, signed=True)

    pairs = zip(one.real.strategies, one.real.pool_PS, one.real.heldout_PS(), strict=True)
    return Table(
        "Real growth of the pool's true mean solve rate, and of the held-out tasks'",
        ("strategy", "pool", "held-out"),
        tuple((name, cell(pool_S), cell(heldout_S)) for name, pool_S, heldout_S in pairs),
    )


def _growth(one: Validation) -> Table:
    fitted = zip(one.lettered, one.fits, strict=True)
    rows = [("real", one.fits[0].real), *((name, each.moments) for name, each in fitted)]
    return Table(
        "Shuffle itself: real, and in each fitted scenario",
        ("", "held-out gain", "of which half-way", "growth of the mean reward", "start"),
        tuple(
            (name, f"{m.heldout:.3f}", f"{m.halfway:.2f}", f"{m.reward:.3f}", f"{m.start:.3f}")
            for name, m in rows
        ),
    )


def _ttb(one: Validation) -> Table:
    def cell(of: Outcomes, f: int, p: int) -> str:
        value = float(of.ttb_FP()[f, p])
        return f"> {of.horizon:g}" if np.isinf(value) else _plain(value)

    def row(p: int, name: str) -> tuple[str, ...]:
        return (
            name,
            *(
                " · ".join(cell(of, f, p) for of in (one.real, *one.predicted))
                for f in range(len(FRACTIONS_TTB))
            ),
        )

    return Table(
        f"TTB in rollouts: real · {' · '.join(one.letters)}",
        ("strategy", *(f"{part} %" for part in FRACTIONS_TTB)),
        tuple(row(p, name) for p, name in enumerate(one.real.strategies) if p != 0),
    )


def _etr(one: Validation) -> Table:
    def path(of: Outcomes, p: int) -> str:
        return " / ".join(number(float(of.etr_PW()[p, w]), 2) for w in _SHOWN_WINDOWS)

    return Table(
        "ETR in the first, fourth and last eighth of the budget",
        ("strategy", "real", *one.letters),
        tuple(
            (name, path(one.real, p), *(path(each, p) for each in one.predicted))
            for p, name in enumerate(one.real.strategies)
        ),
    )


def _plain(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"
