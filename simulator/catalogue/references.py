"""Reference models that know much, little, nothing or the opposite."""

from dataclasses import replace

from simulator.catalogue.registry import scenario
from simulator.law import LearnerLaw
from simulator.population import STRONG, WEAK, Population, Reference


def _both(**changes: float) -> tuple[Reference, ...]:
    return replace(WEAK, **changes), replace(STRONG, **changes)


@scenario("references", etr=0.67)
def good_refs():
    """References that agree with the learner on what is hard.

    Stresses the use of good features. Guessed: residuals of 0.3 logits, a fifth of the usual.
    """
    return {"population": Population(references=_both(residual_sd=0.3))}


@scenario("references", etr=0.67)
def bad_refs():
    """References with residuals of four logits and a bias per domain.

    Stresses distrust of bad features. Guessed throughout.
    """
    return {"population": Population(references=_both(residual_sd=4.0, domain_bias_sd=1.5))}


@scenario("references", etr=0.67)
def swap_refs():
    """On every second task, the weak and the strong reference have changed places.

    Stresses a method that takes their order for granted. An accident of data, not a natural law.
    """
    return {"population": Population(swapped=0.5)}


@scenario("references", etr=0.67)
def no_refs():
    """No reference at all: what is not measured during the run is not known.

    Methods that need references cannot run here.
    """
    return {"population": Population(references=())}


@scenario("references", etr=0.67)
def one_ref():
    """Only the weak reference: an order of difficulty, but no scale to place the learner on.

    Methods that interpolate between two references cannot run here.
    """
    return {"population": Population(references=(WEAK,))}


@scenario("references", etr=0.67)
def many_refs():
    """Five references, from much weaker than the learner to much stronger.

    Stresses methods that can use more than two. Guessed: their abilities.
    """
    others = (Reference("tiny", -1.5), Reference("middle", 1.6), Reference("frontier", 4.0))
    return {"population": Population(references=(WEAK, STRONG, *others))}


@scenario("references", etr=0.67)
def missing_refs():
    """Each reference was measured on half of the tasks, drawn at random: a quarter has no rate.

    Stresses the handling of gaps, which must not be taken for zeros.
    """
    return {"population": Population(references=_both(missing=0.5))}


@scenario("references", etr=0.67)
def adversarial_refs():
    """References that report one minus their rate: what seems easy is hard.

    Stresses a method that cannot find out that its features are wrong. A worst case.
    """
    return {"population": Population(references=_both(reversed=1.0))}


@scenario("references", etr=0.65)
def extrapolate():
    """The learner leaves the span of its references, off their axis.

    Stresses interpolation where there is nothing to interpolate: both references are weaker than
    the learner becomes, share half of their residual, and growth moves tasks in directions of their
    own. Guessed throughout.
    """
    references = (Reference("weak", -1.5), Reference("strong", 0.2))
    return {
        "population": Population(references=references, shared_residual=0.5),
        "law": LearnerLaw(learning_rate=0.04, off_axis=0.5),
    }
