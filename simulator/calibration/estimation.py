"""Which state-space model a trace supports, and its estimates."""

from dataclasses import dataclass, replace

from simulator.calibration.likelihood import Fit, maximise, search, with_errors
from simulator.calibration.parameters import Layout
from simulator.calibration.state_space import Accuracy, Observations
from simulator.calibration.trace import Trace

SIGNIFICANT = 0.05
_FEWEST_TASKS, _FEWEST_VISITS = 20, 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """A likelihood-ratio test of one parameter against 0."""

    name: str
    estimate: float
    error: float
    statistic: float

    @property
    def p_value(self) -> float:
        """Of the statistic under chi-squared with 1 degree of freedom."""
        from scipy.stats import chi2

        return float(chi2.sf(self.statistic, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """The model without middle and own effects, and tests of those.

    Attributes:
        fit: with errors.
        bic_by_components: of one and of two normal laws for the initial logit.
        middle: test of faster drift of half-solved tasks.
        own: test of the own effect, with the middle left free.
        own_alone: the same with the middle held at 0, which a middle would also explain.
        own_fit: the model with an own effect and no middle, with errors.
    """

    fit: Fit
    bic_by_components: tuple[float, float]
    middle: Comparison
    own: Comparison
    own_alone: Comparison
    own_fit: Fit

    @property
    def has_own(self) -> bool:
        """Whether tasks gain from their own visits, beyond what a middle would explain."""
        return self.own.estimate > 0 and self.own.p_value < SIGNIFICANT


def estimate(
    trace: Trace,
    steps_per_visit: float,
    accuracy: Accuracy = Accuracy(),  # noqa: B008  (frozen)
    segments: int = 4,
) -> Estimates:
    """Estimates of the state-space model by maximum likelihood.

    One or two normal laws for the initial logit, whichever has the lower BIC.

    Raises:
        ValueError: for a trace that is too short to tell anything.
    """
    visits = int(trace.visits_K.max())
    if trace.num_tasks < _FEWEST_TASKS or visits < _FEWEST_VISITS:
        raise ValueError(
            f"the trace has {trace.num_tasks} tasks of up to {visits} visits; a fit needs at least "
            f"{_FEWEST_TASKS} tasks and {_FEWEST_VISITS} visits"
        )
    observations = Observations.of(trace, steps_per_visit)

    def grown(fit: Fit, layout: Layout) -> Fit:
        return maximise(observations, layout, fit.layout.extended(fit.vector, layout), accuracy)

    single = search(observations, Layout(1, segments), accuracy)
    double = grown(single, replace(single.layout, components=2))
    base = min(single, double, key=lambda fit: fit.bic)
    own = with_errors(grown(base, replace(base.layout, own=True)), accuracy)
    middle = with_errors(grown(base, replace(base.layout, middle=True)), accuracy)
    both = with_errors(grown(middle, replace(middle.layout, own=True)), accuracy)
    return Estimates(
        with_errors(base, accuracy),
        (single.bic, double.bic),
        _comparison("middle", middle, base),
        _comparison("own", both, middle),
        _comparison("own", own, base),
        own,
    )


def _comparison(name: str, larger: Fit, smaller: Fit) -> Comparison:
    values, errors = larger.derive(lambda _, dynamics: [getattr(dynamics, name)])
    gained = max(2 * (larger.log_likelihood - smaller.log_likelihood), 0.0)
    return Comparison(name, float(values[0]), float(errors[0]), gained)
