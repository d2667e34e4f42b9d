"""One step of group-relative policy optimisation (GRPO and its relatives)."""

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from backends.rft.advantages import informative
from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.errors import DivergedError, naming_memory
from backends.rft.loss import clipped_tokens, policy_loss, token_logprobs
from backends.rft.microbatches import Microbatch, Row, cut
from backends.rft.policy import Policy
from backends.rft.rollouts import Group
from bots._types import Floats

Vectors = dict[str, np.ndarray]
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(slots=True)
class _Tally:
    """Sums over the tokens of one step."""

    loss: float = 0.0
    grad_norm: float = 0.0
    updates: int = 0
    tokens: int = 0
    filled: int = 0
    passed: int = 0
    clipped: int = 0
    gap: float = 0.0
    largest_gap: float = 0.0
    learning_rate: float = 0.0

    def metrics(self) -> dict[str, float]:
        tokens = max(self.tokens, 1)
        return {
            "loss": self.loss / max(self.updates, 1),
            "grad_norm": self.grad_norm / max(self.updates, 1),
            "updates": float(self.updates),
            "trained_tokens": float(self.tokens),
            "padding": 1 - self.filled / self.passed if self.passed else 0.0,
            "clipped": self.clipped / tokens,
            "engine_gap": self.gap / tokens,
            "engine_gap_max": self.largest_gap,
            "learning_rate": self.learning_rate,
        }


class Trainer:
    """Changes a policy, in place, by the rewards of its rollouts.

    Groups that teach nothing, because all their rewards are equal, are counted by cause and left
    out of the forward and backward passes; they still count in the denominators of the loss, so the
    gradient is what it would be with them. A minibatch in which no group teaches takes no optimizer
    step. With a KL penalty every rollout is trained on.

    Args:
        policy: what is trained.
        config: how.
        rollouts: how completions were sampled; the loss uses the same temperature.
    """

    def __init__(self, policy: Policy, config: TrainConfig, rollouts: RolloutConfig) -> None:
        self._policy = policy
        self._config = config
        self._rollouts = rollouts
        self._weights = [p for p in policy.model.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._weights,
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._updates = 0
        self._reference: Any = None
        if config.kl_weight > 0 and not policy.has_adapters:
            self._reference = copy.deepcopy(policy.model).requires_grad_(False)
        if config.gradient_checkpointing:
            _remove_dropout(policy.model)
            policy.model.gradient_checkpointing_enable()

    @property
    def updates(self) -> int:
        """Optimizer steps taken."""
        return self._updates

    def step(self, groups_B: Sequence[Group], rewards_BG: Floats) -> dict[str, float]:
        """Trains on these groups.

        Args:
            groups_B: what was sampled.
            rewards_BG: NaN where a rollout was lost.

        Returns:
            Means over the step's tokens and updates.

        Raises:
            DivergedError: for a loss or gradient that is not finite, or explodes; the minibatch
                that caused it has not changed the weights.
            MemoryExhaustedError: naming the setting to change.
        """
        tally = _Tally()
        advantages_BG = self._config.law.of(
            rewards_BG, self._config.normalise_std, self._config.std_epsilon
        )
        parts = list(np.array_split(np.arange(len(groups_B)), self._config.minibatches))
        rows = [self._rows(groups_B, rewards_BG, advantages_BG, part) for part in parts]
        remedy = "lower tokens_per_microbatch, or set gradient_checkpointing"
        with naming_memory("training", remedy):
            self._policy.model.train(self._config.gradient_checkpointing)
            try:
                old = [None, *(self._old_logprobs(later) for later in rows[1:])]
                for part, chosen, before in zip(parts, rows, old, strict=True):
                    if chosen:
                        self._update(chosen, before, groups_B, rewards_BG, part, tally)
            finally:
                self._policy.model.eval()
        teaches_B = informative(rewards_BG)[:, 0]
        best_B = np.where(np.isnan(rewards_BG), -np.inf, rewards_BG).max(axis=1)
        graded_B = np.isfinite(best_B)
        return {
            **tally.metrics(),
            "all_wrong_groups": float((graded_B & ~teaches_B & (best_B <= 0)).sum()),
            "all_right_groups": float((graded_B & ~teaches_B & (best_B > 0)).sum()),
        }

    @property
    def size(self) -> int:
        """How many numbers are trained."""
        return sum(weight.numel() for weight in self._weights)

    def vectors(self) -> Vectors:
        """Weights and moments, each as one vector in float32."""
        states = [self._optimizer.state.get(p, {}) for p in self._weights]
        return {
            "weights": _flat(self._weights),
            **{
                name: _flat(
                    [
                        s.get(name, torch.zeros_like(p))
                        for s, p in zip(states, self._weights, strict=True)
                    ]
                )
                for name in _MOMENTS
            },
        }

    def load_vectors(self, vectors: Vectors, updates: int) -> None:
        """Puts back what `vectors` returned; trusts its argument."""
        self._updates = updates
        with torch.no_grad():
            for parameter, values in self._split(vectors["weights"]):
                parameter.copy_(values)
        for name in _MOMENTS:
            for parameter, values in self._split(vectors[name]):
                state = self._optimizer.state[parameter]
                state["step"] = torch.tensor(float(updates), device=parameter.device)
                state[name] = values.to(parameter.device).clone()

    def _split(self, vector: np.ndarray) -> list[tuple[torch.nn.Parameter, torch.Tensor]]:
        whole = torch.from_numpy(np.array(vector, dtype=np.float32))
        parts = whole.split([p.numel() for p in self._weights])
        return [(p, part.view_as(p)) for p, part in zip(self._weights, parts, strict=True)]

    def _rows(
        self,
        groups_B: Sequence[Group],
        rewards_BG: Floats,
        advantages_BG: Floats,
        part: np.ndarray,
    ) -> list[Row]:
        """The completions to pass through the model."""
        everything = self._config.kl_weight > 0
        return [
            Row(groups_B[b], completion, float(advantages_BG[b, g]))
            for b in part
            for g, completion in enumerate(groups_B[b].completions_G)
            if not np.isnan(rewards_BG[b, g]) and (everything or advantages_BG[b, g] != 0)
        ]

    def _update(
        self,
        rows: Sequence[Row],
        old: dict[int, torch.Tensor] | None,
        groups_B: Sequence[Group],
        rewards_BG: Floats,
        part: np.ndarray,
        tally: _Tally,
    ) -> None:
        """One optimizer step."""
        graded = [
            completion.token_ids_T.size
            for b in part
            for g, completion in enumerate(groups_B[b].completions_G)
            if not np.isnan(rewards_BG[b, g])
        ]
        total = 0.0
        self._optimizer.zero_grad(set_to_none=True)
        for batch in cut(rows, self._config.tokens_per_microbatch, self._policy.device):
            loss = self._loss(batch, old, len(graded), sum(graded), tally)
            loss.backward()
            total += loss.item()
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights, self._config.max_grad_norm))
        self._check(total, norm)
        tally.learning_rate = self._learning_rate()
        for group in self._optimizer.param_groups:
            group["lr"] = tally.learning_rate
        self._optimizer.step()
        self._updates += 1
        tally.updates += 1
        tally.loss += total
        tally.grad_norm += norm

    def _loss(
        self,
        batch: Microbatch,
        old: dict[int, torch.Tensor] | None,
        completions: int,
        tokens: int,
        tally: _Tally,
    ) -> torch.Tensor:
        logprobs_RT = self._logprobs(self._policy.model, batch)
        if old is None:
            old_RT = logprobs_RT.detach()
        else:
            old_RT = torch.zeros_like(logprobs_RT)
            for r, place in enumerate(batch.places_R):
                old_RT[r, batch.mask_RT[r]] = old[place]
        config, (low, high) = self._config, self._config.clip
        gap_RT = (old_RT - batch.behaviour_RT).abs() * batch.mask_RT
        tally.tokens += int(batch.mask_RT.sum())
        tally.filled += batch.tokens
        tally.passed += batch.mask_RT.numel()
        tally.gap += float(gap_RT.sum())
        tally.largest_gap = max(tally.largest_gap, float(gap_RT.max()))
        with torch.no_grad():
            clip = (logprobs_RT, old_RT, batch.advantages_R, batch.mask_RT, low, high)
            tally.clipped += int(clipped_tokens(*clip))
        return policy_loss(
            *clip,
            loss_level=config.level,
            completions=completions,
            tokens=tokens,
            max_completion_tokens=self._rollouts.max_new_tokens,
            reference_RT=self._reference_logprobs(batch),
            kl_weight=config.kl_weight,
            behaviour_RT=batch.behaviour_RT,
            importance_cap=config.importance_cap,
        )

    def _logprobs(self, model: Any, batch: Microbatch) -> torch.Tensor:
        with self._policy.computing():
            return token_logprobs(
                model, batch.ids_RT, batch.mask_RT, self._rollouts.temperature, batch.first
            )

    @torch.no_grad()
    def _reference_logprobs(self, batch: Microbatch) -> torch.Tensor | None:
        if self._config.kl_weight == 0:
            return None
        without = self._policy.has_adapters
        with self._policy.model.disable_adapter() if without else nullcontext():
            return self._logprobs(self._policy.model if without else self._reference, batch)

    @torch.no_grad()
    def _old_logprobs(self, rows: Sequence[Row]) -> dict[int, torch.Tensor]:
        """Each row's log-probabilities before the first update, by its place."""
        found = {}
        for batch in cut(rows, self._config.tokens_per_microbatch, self._policy.device):
            logprobs_RT = self._logprobs(self._policy.model, batch)
            for r, place in enumerate(batch.places_R):
                found[place] = logprobs_RT[r, batch.mask_RT[r]]
        return found

    def _learning_rate(self) -> float:
        warmup = self._config.warmup_steps
        share = min(1.0, (self._updates + 1) / warmup) if warmup else 1.0
        return share * self._config.learning_rate

    def _check(self, loss: float, norm: float) -> None:
        if np.isfinite(loss) and norm <= self._config.largest_grad_norm:
            return
        raise DivergedError(
            f"training diverged at optimizer step {self._updates + 1}: loss {loss:g}, gradient "
            f"norm {norm:g} (at most {self._config.largest_grad_norm:g} is taken for sane); lower "
            "learning_rate or max_grad_norm, or check the rewards"
        )


def _flat(tensors: Sequence[torch.Tensor]) -> np.ndarray:
    return torch.cat([t.detach().float().flatten().cpu() for t in tensors]).numpy()


def _remove_dropout(model: Any) -> None:
    """Training mode, which checkpointing needs, must not change log-probabilities."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
