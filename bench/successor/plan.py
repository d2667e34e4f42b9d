"""On what `residual-memory` is judged, against whom, and what is taken from it."""

SUBJECT = "residual-memory"
RIVALS = ("bots", "bots:tuned", "bots-informative", "mopps", "dps")

TUNING = "seen while it was designed, not counted"
GROUPS = {
    "gain laws": ("base@drgrpo", "base@rloo", "base@maxrl", "base@transfer", "base@hard"),
    "batch laws": ("base@alpha0", "base@alpha1"),
    "a price of repetition": ("base@mild", "duplicates", "tiny"),
    "logits not additive": ("format_unlock", "noisy30"),
    "evidence": ("sparse_n2",),
    "references": ("bad_refs", "missing_refs"),
    "change and delay": ("arrivals", "shift", "async8"),
    "tokens": ("cost",),
    "few tasks, real items": ("deepscaler_1_5b", "real_items"),
    TUNING: (
        "base",
        "base@steep",
        "ushape60",
        "prerequisites",
        "guru15",
        "nonbinary",
        "forget",
        "domains",
        "gap",
        "longchain",
    ),
}
"""Scenarios by what they stress."""

ABLATIONS = {
    "the highest utilities instead of a draw": "sharpness=1e9",
    "drawn in plain proportion": "sharpness=1.0",
    "a draw of each logit, then the highest": "thompson=True,sharpness=1e9",
    "residuals never fade": "forgetting=0.0",
    "residuals fade by BOTS's 10 % per update": "forgetting=0.1",
    "no ability of domains": "domains=False",
    "no reference": "references=False",
    "ability and weights fixed": "learned=False",
    "repetition free": "repetition=1e9",
    "visits do not move residuals": "drift=0.0",
    "fractional rewards as coins": "fractional=False",
}
"""Options that take one ingredient away, by what it is."""


def spec(option: str) -> str:
    """The strategy with this option.

    Example:
        >>> spec("drift=0.0")
        'residual-memory:drift=0.0'
    """
    return f"{SUBJECT}:{option}"
