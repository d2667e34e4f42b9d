"""The policy-gradient loss of one micro-batch, as functions of tensors.

Rows are prompt and completion, padded on the right: R rows of T columns. `mask_RT` is true at the
completion's tokens; a value at column t belongs to the token at column t, given those before it.
"""

import torch
from torch.nn import functional

_IGNORED = -100  # the label that torch's cross entropy passes over


def token_logprobs(
    model: torch.nn.Module,
    ids_RT: torch.Tensor,
    mask_RT: torch.Tensor,
    temperature: float,
    first: int = 1,
) -> torch.Tensor:
    """Log-probability of each completion token under the model, shape (R, T); 0 elsewhere.

    log softmax(logits / temperature) at the token, in float32 at least. There is no attention mask:
    what follows a token cannot change it in a causal model, and all padding follows.

    Args:
        model: a causal language model in the manner of transformers, with `logits_to_keep`.
        ids_RT: int64, the tokens.
        mask_RT: bool, where the completion is; never in column 0.
        temperature: > 0, the one the completions were sampled with.
        first: no completion starts left of this column, so no logits are computed for it; the
            vocabulary makes them the largest tensor there is.
    """
    keep = ids_RT.shape[1] - first + 1
    logits_RKV = model(input_ids=ids_RT, use_cache=False, logits_to_keep=keep).logits
    logits_RKV = logits_RKV.to(torch.promote_types(logits_RKV.dtype, torch.float32))
    if temperature != 1:
        logits_RKV = logits_RKV / temperature
    # The last column predicts a token that is not there; a label to ignore costs no copy of the
    # logits.
    labels_RK = functional.pad(
        ids_RT.masked_fill(~mask_RT, _IGNORED)[:, first:], (0, 1), value=_IGNORED
    )
    losses = functional.cross_entropy(
        logits_RKV.flatten(0, 1), labels_RK.flatten(), ignore_index=_IGNORED, reduction="none"
    )
    return functional.pad(-losses.view_as(labels_RK)[:, :-1], (first, 0))


def policy_loss(
    logprobs_RT: torch.Tensor,
    old_RT: torch.Tensor,
    advantages_R: torch.Tensor,
    mask_RT: torch.Tensor,
    clip_low: float,
    clip_high: float,
    *,
    loss_level: str,
    completions: int,
    tokens: int,
    max_completion_tokens: int,
    reference_RT: torch.Tensor | None = None,
    kl_weight: float = 0.0,
    behaviour_RT: torch.Tensor | None = None,
    importance_cap: float | None = None,
) -> torch.Tensor:
    """What these rows contribute to the loss of their whole batch, a scalar.

    Per token, with ratio = exp(logprobs - old) (PPO, arXiv 1707.06347, eq. 7):

        -w * min(ratio * A, clip(ratio, 1 - clip_low, 1 + clip_high) * A) + kl_weight * kl

    w is `importance_weights` or 1, kl is `kl_estimate`; w does not touch kl, as in TRL. Nor does
    the ratio, as in GRPO's eq. 3; TRL multiplies kl by it unless `use_bias_correction_kl` is False.
    The level says how tokens are summed:

    - `token`: the sum over all tokens, by the tokens of the batch (DAPO, arXiv 2503.14476, eq. 8);
    - `sequence`: the mean over each completion's tokens, summed, by the completions of the batch
      (GRPO, arXiv 2402.03300, eq. 3);
    - `constant`: the sum over all tokens, by completions * max_completion_tokens (Dr. GRPO, arXiv
      2503.20783), which favours neither short nor long answers.

    The counts are those of the batch, not of these rows. So contributions of micro-batches add up
    to the loss of the batch, and leaving out rows with an advantage of 0 changes nothing but time.

    Args:
        logprobs_RT: of the policy that is trained; gradients flow through this alone.
        old_RT: of the policy before the step, detached.
        advantages_R: shape (R,).
        mask_RT: bool, where the completion is.
        clip_low: in [0, 1].
        clip_high: >= 0.
        loss_level: one of `advantages.LOSS_LEVELS`.
        completions: in the batch.
        tokens: of all completions in the batch.
        max_completion_tokens: the longest completion that could have been sampled.
        reference_RT: of the reference policy, with `kl_weight`.
        kl_weight: >= 0, the beta of GRPO.
        behaviour_RT: as the engine computed them while sampling, with `importance_cap`.
        importance_cap: > 0, the most that w may be.
    """
    advantages_R1 = advantages_R[:, None]
    ratio_RT = torch.exp(logprobs_RT - old_RT)
    clipped_RT = ratio_RT.clamp(1 - clip_low, 1 + clip_high)
    loss_RT = -torch.minimum(ratio_RT * advantages_R1, clipped_RT * advantages_R1)
    if behaviour_RT is not None and importance_cap is not None:
        loss_RT = loss_RT * importance_weights(old_RT, behaviour_RT, importance_cap)
    if reference_RT is not None and kl_weight > 0:
        loss_RT = loss_RT + kl_weight * kl_estimate(logprobs_RT, reference_RT)
    loss_RT = loss_RT.masked_fill(~mask_RT, 0.0)
    if loss_level == "token":
        return loss_RT.sum() / tokens
    if loss_level == "sequence":
        return (loss_RT.sum(dim=1) / mask_RT.sum(dim=1)).sum() / completions
    return loss_RT.sum() / (completions * max_completion_tokens)


def importance_weights(
    old_RT: torch.Tensor, behaviour_RT: torch.Tensor, cap: float
) -> torch.Tensor:
    """min(exp(old - behaviour), cap) per token, detached: truncated importance sampling.

    The engine that samples and the model that is trained are two programs whose probabilities
    differ a little even with equal weights; this corrects for it
    (https://fengyao.notion.site/off-policy-rl).
    """
    return torch.exp(old_RT - behaviour_RT).clamp(max=cap).detach()


def kl_estimate(logprobs_RT: torch.Tensor, reference_RT: torch.Tensor) -> torch.Tensor:
    """exp(d) - d - 1 with d = reference - logprobs: the k3 estimate of KL(policy, reference).

    Per token; never negative, unbiased under the policy (http://joschu.net/blog/kl-approx.html,
    GRPO, eq. 4).
    """
    difference_RT = reference_RT - logprobs_RT
    return torch.exp(difference_RT) - difference_RT - 1


def clipped_tokens(
    logprobs_RT: torch.Tensor,
    old_RT: torch.Tensor,
    advantages_R: torch.Tensor,
    mask_RT: torch.Tensor,
    clip_low: float,
    clip_high: float,
) -> torch.Tensor:
    """How many tokens the clip leaves without a gradient from their advantage, a scalar."""
    ratio_RT = torch.exp(logprobs_RT - old_RT)
    advantages_R1 = advantages_R[:, None]
    low_RT = (ratio_RT < 1 - clip_low) & (advantages_R1 < 0)
    high_RT = (ratio_RT > 1 + clip_high) & (advantages_R1 > 0)
    return ((low_RT | high_RT) & mask_RT).sum()
