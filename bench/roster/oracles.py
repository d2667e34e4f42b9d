"""References that see the truth; never rivals."""

from bench.entry import Entry
from bench.oracles import oracle_gain, oracle_target

ENTRIES = {
    "oracle-target": Entry(
        "true solve rate nearest 0.5", oracle_target, ("references",), oracle=True
    ),
    "oracle-gain": Entry("largest true expected gain", oracle_gain, ("references",), oracle=True),
}
