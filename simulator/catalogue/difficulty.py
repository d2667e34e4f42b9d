"""Shapes of difficulty: where the stepping stones are, and where there are none."""

from simulator.catalogue.registry import scenario
from simulator.law import LearnerLaw
from simulator.population import Normal, Population, Reference, alike


@scenario("difficulty", "references", "paper", etr=0.38)
def guru15():
    """A replica of the paper's 1.5B math run: a learner far below its weak reference.

    Stresses references that the learner has yet to reach, on a pool filtered by them, while the
    answer's format is learnt too. Measured: pool size and filter (the paper's). Guessed, with the
    paper's tables in view: difficulty, learning rate, format gate, reference residuals and their
    shared part, the off-axis path.
    """
    return {
        "population": Population(
            alike(logit=(Normal(1.0, -4.6, 3.2),), unsolvable=0.05),
            references=(Reference("weak", 2.4, 1.2), Reference("strong", 4.8, 1.2)),
            shared_residual=0.5,
            weak_below=15 / 16,
            strong_above=1 / 16,
            heldout_shift=2.5,
        ),
        "law": LearnerLaw(learning_rate=0.06, off_axis=0.5, gate_logit=-0.5, gate_rate=8.0),
        "num_tasks": 54_400,
    }


@scenario("difficulty", etr=0.39)
def ushape60():
    """A U-shaped pool: six groups in ten are all right or all wrong.

    Stresses avoiding degenerate tasks at both ends. Measured: the shape (rates of three model sizes
    on a public pool). Guessed: its exact width.
    """
    return {"population": Population(alike(logit=(Normal(1.0, -1.0, 5.5),)))}


@scenario("difficulty", etr=0.39)
def gap():
    """Two humps, hopeless and easy, and nothing between: no stepping stones.

    Stresses what happens when the easy hump is used up and the hard one is still out of reach: most
    policies do not get there, and the gain oracle only in part. Theory: plateaus where the spectrum
    of difficulty has gaps. Guessed: place and size of the humps, and a fast learner.
    """
    return {
        "population": Population(alike(logit=(Normal(0.6, -5.0, 1.0), Normal(0.4, 1.0, 1.0)))),
        "law": LearnerLaw(learning_rate=0.06),
    }


@scenario("difficulty", etr=0.54)
def longchain():
    """Tasks of one to eight steps that must all succeed: p = q^L.

    Stresses S-shaped progress: a task stays near zero for long and then rises fast. Theory: the
    form. Guessed: lengths and difficulty.
    """
    return {"population": Population(alike(logit=(Normal(1.0, 1.0, 2.5),), longest_chain=8))}


@scenario("difficulty", "drift", etr=0.65)
def format_unlock():
    """Hardly any answer can be graded at first, and the format is learnt quickly.

    Stresses beliefs formed while everything fails. Measured: the S-curve's presence in public runs.
    Guessed: its speed.
    """
    return {"law": LearnerLaw(gate_logit=-3.0, gate_rate=30.0)}


@scenario("difficulty", "drift", etr=0.5)
def prerequisites():
    """Half of the tasks stay near zero until the skill before theirs is mastered.

    Stresses re-testing tasks written off as hopeless. A task that is about to open teaches the
    skill it needs more than any other. Theory: skills that build on each other. Guessed: the share,
    the threshold, how sharp it is, and a learning rate that reaches it in mid-run.
    """
    return {
        "population": Population(alike(locked=0.6, unlock=0.9)),
        "law": LearnerLaw(learning_rate=0.03),
    }
