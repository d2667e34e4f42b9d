"""What small language model is made from nothing; read without torch."""

from dataclasses import dataclass

from backends.rft.families import FAMILIES
from bots import checks

HEAD = 32  # width of an attention head


@dataclass(frozen=True, slots=True)
class SFTConfig:
    """What model, trained how long, on what.

    Attributes:
        families: letters of `backends.rft.families.FAMILIES`.
        pool_per_cell: tasks of one family and level to train on by reinforcement.
        heldout_per_cell: the same, held out; supervised training sees neither.
        hidden: width, in heads of 32, the least that vLLM takes on a CPU.
        layers: depth.
        steps: of supervised training, on `batch` fresh examples each.
        weak_step: whose checkpoint is the weak reference; the last is the strong one.
        start_step: whose checkpoint reinforcement starts from.
        batch: examples per step.
        learning_rate: of AdamW, after a warm-up, falling to 0 over the last fifth.
        seed: of tasks, examples and weights.
    """

    families: str = "ASMGORPUT"
    pool_per_cell: int = 64
    heldout_per_cell: int = 18
    hidden: int = 128
    layers: int = 2
    steps: int = 1500
    weak_step: int = 200
    start_step: int = 400
    batch: int = 128
    learning_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        distinct = set(self.families)
        if not distinct or len(distinct) < len(self.families) or not distinct <= set(FAMILIES):
            raise ValueError(
                f"families are {self.families!r}; they must be distinct letters of "
                f"{''.join(FAMILIES)}"
            )
        for name in ("pool_per_cell", "heldout_per_cell", "hidden", "layers", "batch"):
            checks.integer(name, getattr(self, name), 1)
        checks.integer("seed", self.seed, 0)
        if self.hidden % HEAD:
            raise ValueError(f"hidden is {self.hidden}; it must be a multiple of {HEAD}")
        if not 1 <= self.weak_step <= self.start_step <= self.steps:
            raise ValueError(
                f"weak_step {self.weak_step}, start_step {self.start_step} and steps {self.steps} "
                "must not fall"
            )

    @property
    def checkpoints(self) -> dict[str, int]:
        """The step of each checkpoint."""
        return {"weak": self.weak_step, "start": self.start_step, "strong": self.steps}


SMALL = SFTConfig(
    families="OURSAG",
    pool_per_cell=40,
    heldout_per_cell=20,
    hidden=64,
    steps=700,
    weak_step=120,
    start_step=200,
    learning_rate=4e-3,
)
