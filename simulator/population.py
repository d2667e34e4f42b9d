"""The law from which tasks are drawn: difficulty, labels, skills, lengths, arrivals."""

import math
from dataclasses import dataclass

from simulator import checks
from simulator.checks import require

_SUM_TOLERANCE = 1e-6
_MOST_DOMAINS = 100
_LAST_STEP = 10**9
_STEEPEST = 10.0


@dataclass(frozen=True, slots=True)
class Normal:
    """One component of a mixture of normal laws."""

    share: float = 1.0
    mean: float = -1.0
    sd: float = 2.5

    def __post_init__(self) -> None:
        checks.numbers(self)
        require(
            self,
            share=(0 < self.share <= 1, "must lie in (0, 1]"),
            mean=(math.isfinite(self.mean), "must be finite"),
            sd=(0 <= self.sd < math.inf, "must be finite and not negative"),
        )


@dataclass(frozen=True, slots=True)
class Domain:
    """A kind of tasks. Shares of labels are shares of its tasks; the rest is sound.

    Raises:
        ValueError: for a value outside its range, or shares that exceed 1.
    """

    share: float = 1 / 3  # of the pool
    logit: tuple[Normal, ...] = (Normal(),)  # of the untrained learner's solve rate
    unsolvable: float = 0.08  # labels that no answer matches
    flaky: float = 0.0  # labels that accept a right answer with a chance of flaky_ceiling only
    flaky_ceiling: float = 0.6
    mislabelled: float = 0.0  # labels that reward a mistake: p = (1 - q) / 2
    guess: float = 0.0  # mean solve rate without any ability ...
    guess_sd: float = 0.0  # ... and its sd between tasks (a Beta law)
    ceiling: float = 1.0  # mean solve rate of sound labels at unlimited ability ...
    ceiling_sd: float = 0.0  # ... likewise
    slope_mean: float = 0.0  # mean of log discrimination
    slope_sd: float = 0.5  # sd of log discrimination
    slope_correlation: float = 0.0  # of log discrimination with the initial logit
    transfer_sd: float = 0.25  # sd of log transfer value
    speed: float = 1.0  # factor on what its tasks teach
    longest_chain: int = 1  # a task takes 1 to this many steps that must all succeed
    locked: float = 0.0  # share that needs the skill before its own; first skills are open
    unlock: float = 0.3  # mastery of that skill at which half of their rate is there, in logits
    log_tokens: float = 6.0  # mean log length of an answer of mean difficulty
    tokens_slope: float = 0.0  # gain in log length per sd of difficulty
    late: float = 0.0  # share of tasks that arrive during the run, evenly ...
    late_from: int = 0  # ... from this step
    late_to: int = 0  # ... to this one
    leaves: int = 0  # step at which all its tasks leave; 0: never

    def __post_init__(self) -> None:
        checks.numbers(
            self, integers=("longest_chain", "late_from", "late_to", "leaves"), others=("logit",)
        )
        mixture = isinstance(self.logit, tuple) and len(self.logit) > 0
        bad_labels = self.unsolvable + self.flaky + self.mislabelled
        require(
            self,
            share=(0 < self.share <= 1, "must lie in (0, 1]"),
            logit=(
                mixture and abs(sum(part.share for part in self.logit) - 1) < _SUM_TOLERANCE,
                "must be Normal components whose shares sum to 1",
            ),
            unsolvable=(0 <= self.unsolvable < 1, "must lie in [0, 1)"),
            flaky=(0 <= self.flaky < 1, "must lie in [0, 1)"),
            flaky_ceiling=(0 < self.flaky_ceiling <= 1, "must lie in (0, 1]"),
            mislabelled=(
                self.mislabelled >= 0 and bad_labels < 1,
                "must not be negative, and unsolvable + flaky + mislabelled must be below 1",
            ),
            guess=(0 <= self.guess < 1, "must lie in [0, 1)"),
            guess_sd=(
                self.guess_sd == 0 or 0 < self.guess_sd**2 < self.guess * (1 - self.guess),
                "must lie in [0, sqrt(guess (1 - guess)))",
            ),
            ceiling=(self.guess < self.ceiling <= 1, "must lie in (guess, 1]"),
            ceiling_sd=(
                self.ceiling_sd == 0 or 0 < self.ceiling_sd**2 < self.ceiling * (1 - self.ceiling),
                "must lie in [0, sqrt(ceiling (1 - ceiling)))",
            ),
            slope_mean=(abs(self.slope_mean) <= _STEEPEST, "must lie in [-10, 10]"),
            slope_sd=(0 <= self.slope_sd <= _STEEPEST, "must lie in [0, 10]"),
            slope_correlation=(-1 <= self.slope_correlation <= 1, "must lie in [-1, 1]"),
            transfer_sd=(0 <= self.transfer_sd <= _STEEPEST, "must lie in [0, 10]"),
            speed=(0 <= self.speed < math.inf, "must be finite and not negative"),
            longest_chain=(1 <= self.longest_chain <= 100, "must lie in 1 to 100"),
            locked=(0 <= self.locked <= 1, "must lie in [0, 1]"),
            unlock=(math.isfinite(self.unlock), "must be finite"),
            log_tokens=(0 <= self.log_tokens <= 20, "must lie in [0, 20]"),
            tokens_slope=(abs(self.tokens_slope) <= 5, "must lie in [-5, 5]"),
            late=(0 <= self.late <= 1, "must lie in [0, 1]"),
            late_from=(0 <= self.late_from <= _LAST_STEP, "must be a step, 0 to 10^9"),
            late_to=(
                self.late_from <= self.late_to <= _LAST_STEP,
                "must be a step, from late_from to 10^9",
            ),
            leaves=(
                self.leaves == 0 or self.late_to < self.leaves <= _LAST_STEP,
                "must be 0 (never) or a step after late_to, up to 10^9",
            ),
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """A model whose solve rates on the pool are known beforehand."""

    name: str
    ability: float  # in units of mastery; the untrained learner's is 0
    residual_sd: float = 1.6  # sd of its own logit around slope times ability
    trials: int = 16  # rollouts behind a rate
    missing: float = 0.0  # share of tasks on which it was not measured
    reversed: float = 0.0  # share of tasks whose rate is reported as one minus the rate
    domain_bias_sd: float = 0.0  # sd of its bias per domain, in logits

    def __post_init__(self) -> None:
        checks.numbers(self, integers=("trials",), others=("name",))
        require(
            self,
            name=(isinstance(self.name, str) and bool(self.name), "must be a name"),
            ability=(math.isfinite(self.ability), "must be finite"),
            residual_sd=(0 <= self.residual_sd < math.inf, "must be finite and not negative"),
            trials=(self.trials >= 1, "must be at least 1"),
            missing=(0 <= self.missing <= 1, "must lie in [0, 1]"),
            reversed=(0 <= self.reversed <= 1, "must lie in [0, 1]"),
            domain_bias_sd=(0 <= self.domain_bias_sd < math.inf, "must be finite and not negative"),
        )


WEAK, STRONG = Reference("weak", 0.8), Reference("strong", 2.4)


@dataclass(frozen=True, slots=True)
class Population:
    """The law from which a pool, its references and the held-out tasks are drawn."""

    domains: tuple[Domain, ...] = (Domain(), Domain(), Domain())
    skills_per_domain: int = 8
    references: tuple[Reference, ...] = (WEAK, STRONG)
    shared_residual: float = 0.0  # share of the residuals' variance that all references have alike
    swapped: float = 0.0  # share of tasks at which the first and last reference are exchanged
    weak_below: float = 1.01  # tasks on which `weak` does not stay below this are filtered out
    strong_above: float = -0.01  # tasks on which `strong` does not exceed this are filtered out
    copies: int = 1  # every task occurs this many times, as near duplicates ...
    copy_sd: float = 0.3  # ... whose initial logits differ by this sd
    sub_tests: int = 1  # J: a reward is the mean of this many pass-or-fail tests
    sub_test_correlation: float = 0.0  # of two tests of one rollout
    heldout_shift: float = 0.0  # added to the initial logit of held-out tasks
    heldout_moves: bool = False  # whether held-out tasks arrive and leave as the pool's do
    embedding_size: int = 16  # dimensions of the tasks' embedding; 0: there is none
    embedding_difficulty: float = 0.6  # correlation of what it shows of difficulty with difficulty
    embedding_noise: float = 0.5  # length of its noise, in units of its topic's

    def __post_init__(self) -> None:
        checks.numbers(
            self,
            integers=("skills_per_domain", "copies", "sub_tests", "embedding_size"),
            others=("domains", "references", "heldout_moves"),
        )
        _check_domains(self.domains)
        names = [reference.name for reference in self.references]
        require(
            self,
            skills_per_domain=(1 <= self.skills_per_domain <= 100, "must lie in 1 to 100"),
            references=(len(set(names)) == len(names), "must have distinct names"),
            shared_residual=(0 <= self.shared_residual <= 1, "must lie in [0, 1]"),
            swapped=(
                0 <= self.swapped <= 1 and (self.swapped == 0 or len(names) >= 2),
                "must lie in [0, 1], and be 0 with fewer than two references",
            ),
            weak_below=(
                self.weak_below > 0 and (self.weak_below > 1 or "weak" in names),
                "must be positive, and above 1 (no filter) without a reference called weak",
            ),
            strong_above=(
                self.strong_above < 1 and (self.strong_above < 0 or "strong" in names),
                "must be below 1, and below 0 (no filter) without a reference called strong",
            ),
            copies=(self.copies >= 1, "must be at least 1"),
            copy_sd=(0 <= self.copy_sd < math.inf, "must be finite and not negative"),
            sub_tests=(1 <= self.sub_tests <= 1000, "must lie in 1 to 1000"),
            sub_test_correlation=(0 <= self.sub_test_correlation < 1, "must lie in [0, 1)"),
            heldout_shift=(math.isfinite(self.heldout_shift), "must be finite"),
            heldout_moves=(isinstance(self.heldout_moves, bool), "must be True or False"),
            embedding_size=(0 <= self.embedding_size <= 4096, "must lie in 0 to 4096"),
            embedding_difficulty=(abs(self.embedding_difficulty) <= 1, "must lie in [-1, 1]"),
            embedding_noise=(
                0 <= self.embedding_noise < math.inf,
                "must be finite and not negative",
            ),
        )


def _check_domains(domains: tuple[Domain, ...]) -> None:
    """Their number, their shares, and that there are tasks at every step."""
    if not 0 < len(domains) <= _MOST_DOMAINS:
        raise ValueError(f"there are {len(domains)} domains; there must be 1 to {_MOST_DOMAINS}")
    shares = sum(domain.share for domain in domains)
    if abs(shares - 1) >= _SUM_TOLERANCE:
        raise ValueError(f"the shares of the domains sum to {shares:g}; they must sum to 1")
    if not _always_populated(domains):
        raise ValueError(
            "the domains leave the pool empty at some step, by late arrivals or departures; some "
            "domain must have tasks at every step"
        )


def _always_populated(domains: tuple[Domain, ...]) -> bool:
    """Whether at every step some domain has tasks: checked where one leaves, and at the start."""
    return all(
        any(
            (domain.late < 1 or domain.late_to <= step)
            and (domain.leaves == 0 or domain.leaves > step)
            for domain in domains
        )
        for step in (0, *(domain.leaves for domain in domains))
    )


def alike(count: int = 3, **overrides: object) -> tuple[Domain, ...]:
    """`count` domains of one law and equal shares: the default one with these fields replaced."""
    return (Domain(share=1 / count, **overrides),) * count  # type: ignore[arg-type]
