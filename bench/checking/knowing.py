"""Laws of what a strategy knows of the tasks, and pays for."""

from bench.checking.law import BrokenError, Law, SkippedError, described
from bench.checking.reach import reachable
from bench.checking.trial import Subject, Trial
from bench.checking.worlds import KINDS, still, without
from bench.entry import Strategy
from bench.strategies import is_oracle, knowledge, visible
from bots import Pool

_STEPS = range(8)
_TRUE = ("backends", "simulator")  # packages whose objects know true solve rates
_LIST = {"references": ("references", "weak"), "domains": ("domains",), "features": ("features",)}


def _hidden(subject: Subject) -> None:
    strategy = _lived(subject)
    kinds = {type(item) for item in reachable(strategy)}
    truths = [kind for kind in kinds if kind.__module__.split(".")[0] in _TRUE]
    if truths and not is_oracle(subject.spec):
        names = ", ".join(sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in truths))
        raise BrokenError(f"it holds {names}, which knows true solve rates")
    if is_oracle(subject.spec) and not truths:
        raise BrokenError("it is declared an oracle, but holds nothing that knows the truth")


def _declared(subject: Subject) -> None:
    sees = knowledge(subject.spec)
    given = _kinds(visible(still().pool, sees))
    for pool in (item for item in reachable(_lived(subject)) if isinstance(item, Pool)):
        beyond = sorted(_kinds(pool) - given)
        if beyond:
            raise BrokenError(f"`sees = {sees!r}`, but it holds a pool with {', '.join(beyond)}")


def _kinds(pool: Pool) -> set[str]:
    """What a pool tells of its tasks."""
    known = {f"references of {name!r}" for name in pool.references}
    known |= set() if pool.domains_N is None else {"domains"}
    return known | (set() if pool.features_ND is None else {"features"})


def _lived(subject: Subject) -> Strategy:
    strategy = subject.strategy(still())
    Trial(strategy.selector).live(range(2))
    return strategy


def _lesser_pools(subject: Subject) -> None:
    for kind in _seen(subject):
        refusal = _refusal(subject, kind)
        try:
            if refusal is None:
                subject.trial(world=without(kind)).live(_STEPS)
        except BrokenError as broken:
            raise BrokenError(f"on a pool without {kind}, {broken}", broken.fault) from broken


def _pays(subject: Subject) -> None:
    if "features" not in knowledge(subject.spec):
        raise SkippedError("it sees no features")
    trial = subject.trial()
    if trial.passes() == 0 and _depends_on(subject, "features"):
        raise BrokenError("it goes by pool.features_ND, but forward_passes() returned 0")


def _uses(subject: Subject) -> None:
    if is_oracle(subject.spec):
        raise SkippedError("an oracle goes by the truth")
    unused = [kind for kind in _seen(subject) if not _depends_on(subject, kind)]
    if unused:
        used = tuple(kind for kind in knowledge(subject.spec) if kind not in unused)
        raise BrokenError(
            f"it is handed {', '.join(unused)}, but {len(_STEPS)} steps went the same without; "
            f"`sees = {used!r}` would do"
        )


def _seen(subject: Subject) -> list[str]:
    """The kinds of knowledge that it is handed."""
    seen = knowledge(subject.spec)
    return [kind for kind in KINDS if set(_LIST[kind]) & set(seen)]


def _depends_on(subject: Subject, kind: str) -> bool:
    """Whether it needs this knowledge, or chooses or believes otherwise without."""
    if _refusal(subject, kind) is not None:
        return True
    known, unknown = subject.trial(), subject.trial(world=without(kind))
    if known.live(_STEPS) != unknown.live(_STEPS):
        return True
    rates, others = known.rates(), unknown.rates()
    return rates is not None and (others is None or rates.tolist() != others.tolist())


def _refusal(subject: Subject, kind: str) -> ValueError | None:
    """What the factory says when it refuses a pool without this; None when it takes it."""
    try:
        subject.strategy(without(kind))
    except BrokenError as broken:
        error = broken.__cause__
        slip = error.__cause__ if error is not None else None  # make_strategy reports it in words
        if isinstance(error, ValueError) and not isinstance(slip, TypeError):
            return error
        told = described(slip or error or broken)
        raise BrokenError(f"factory(pool, rng) with no {kind} in the pool raised {told}") from None
    return None


KNOWING = (
    Law(
        "it cannot reach true solve rates, unless it is an oracle",
        _hidden,
        "keep nothing of backends or simulator in the selector or the collector: a strategy "
        "learns of the tasks from its pool and from feedback",
    ),
    Law(
        "the pools that it holds tell what it declares, and no more",
        _declared,
        "keep the pool that the factory is handed, and no other; set the attribute `sees` of the "
        "factory to what it needs",
    ),
    Law(
        "a pool without references, domains or features is taken, or refused in words",
        _lesser_pools,
        "say in the factory what is missing, as in `if pool.domains_N is None: raise "
        "ValueError('this strategy needs domains')`",
    ),
    Law(
        "embeddings are paid for from the start",
        _pays,
        "write `def forward_passes(self): return pool.num_tasks`, one per prompt that was embedded",
    ),
    Law(
        "it sees no more than it uses",
        _uses,
        "set the attribute `sees` of the factory, since reference rates are charged",
        advice=True,
    ),
)
