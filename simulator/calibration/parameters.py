"""The parameters of the state-space model as an unconstrained vector, and back."""

from dataclasses import dataclass

import numpy as np

from simulator.calibration.backward import Floats
from simulator.calibration.state_space import Dynamics, Initial
from simulator.population import Normal

_DRIFT_UNIT, _OWN_UNIT = 0.01, 0.1  # entries of the vector are then of order 1
_MOST_WALK, _MOST_SLOPE = 1.0, 2.0  # beyond these all tasks go astray
_STRONGEST = 0.9  # correlation that the slope's nodes can resolve
_SMALLEST, _LARGEST = -7.0, 3.0  # of logarithms: where a parameter no longer matters


@dataclass(frozen=True, slots=True)
class Layout:
    """Which parameters there are, and where they lie in the vector.

    Attributes:
        components: normal laws of the initial logit, 1 or 2.
        segments: of the shared drift.
        middle: whether half-solved tasks may drift faster.
        own: whether a task's own visits count.
    """

    components: int = 1
    segments: int = 4
    middle: bool = False
    own: bool = False

    @property
    def num_initial(self) -> int:
        """Number of parameters of the initial law; they come first."""
        return 4 if self.components == 1 else 7

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.num_initial + self.segments + 3 + self.middle + self.own

    def start(self) -> Floats:
        """A start for the search: an ordinary pool and moderate growth."""
        initial = [-1.0, np.log(2.5), 0.0, np.log(2.5), 0.0][: 2 if self.components == 1 else 5]
        steady = [0.3] * self.segments
        extra = [0.0] * (self.middle + self.own)
        return np.array([*initial, -2.5, 0.0, *steady, 0.1, np.log(0.02), np.log(0.4), *extra])

    def extended(self, vector: Floats, larger: "Layout") -> Floats:
        """The same model in a larger layout; a component is split in two."""
        if larger.components > self.components:
            mean, log_sd = vector[:2]
            away, log_sd = 0.7 * np.exp(log_sd), log_sd - 0.3
            vector = np.concatenate([[mean - away, log_sd, mean + away, log_sd, 0.0], vector[2:]])
        head, extra = np.split(vector, [larger.num_initial + self.segments + 3])
        middle = extra[:1] if self.middle else np.zeros(int(larger.middle))
        return np.concatenate([head, middle, extra[-1:] if self.own else np.zeros(int(larger.own))])

    def spread(self, vector: Floats, walk_sd: float, slope_sd: float) -> Floats:
        """The vector with these in place of its own."""
        changed, place = vector.copy(), self.num_initial + self.segments + 1
        changed[place : place + 2] = np.log(walk_sd), np.log(slope_sd)
        return changed

    def model(self, vector: Floats) -> tuple[Initial, Dynamics]:
        """The model that a vector stands for; the component of the lower mean first."""
        rest = vector[self.num_initial :]
        *drifts, level, log_walk, log_slope = rest[: self.segments + 3]
        return self._initial(vector), Dynamics(
            tuple(float(drift * _DRIFT_UNIT) for drift in drifts),
            float(level * _DRIFT_UNIT),
            min(_exp(log_walk), _MOST_WALK),
            min(_exp(log_slope), _MOST_SLOPE),
            float(rest[self.segments + 3] * _DRIFT_UNIT) if self.middle else 0.0,
            float(rest[-1] * _OWN_UNIT) if self.own else 0.0,
        )

    def _initial(self, vector: Floats) -> Initial:
        parts = [Normal(1.0, float(vector[0]), _exp(vector[1]))]
        if self.components > 1:
            share = _share(vector[4])
            second = Normal(share, float(vector[2]), _exp(vector[3]))
            parts = [Normal(1 - share, parts[0].mean, parts[0].sd), second]
        unsolvable, correlation = vector[self.num_initial - 2 : self.num_initial]
        return Initial(
            _share(unsolvable),
            tuple(sorted(parts, key=lambda part: part.mean)),
            float(_STRONGEST * np.tanh(correlation)),
        )


def _exp(logarithm: float) -> float:
    return float(np.exp(np.clip(logarithm, _SMALLEST, _LARGEST)))


def _share(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, _SMALLEST, -_SMALLEST))))
