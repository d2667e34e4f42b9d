"""BOTS written as plainly as the paper's formulas allow: lists, loops, one task at a time."""


class NaiveBOTS:
    """The belief's part of BOTS for groups of equal size and distinct tasks."""

    def __init__(
        self, weak, strong, forgetting=0.1, implicit_weight=0.1, momentum=0.9, min_gap=0.02
    ):
        self.weak, self.strong = weak, strong
        self.forgetting, self.implicit_weight = forgetting, implicit_weight
        self.momentum, self.min_gap = momentum, min_gap
        self.alpha = [1.0] * len(weak)
        self.beta = [1.0] * len(weak)
        self.capability = None

    def update(self, task_ids, successes, group_size):
        measured = {k: s / group_size for k, s in zip(task_ids, successes, strict=True)}
        self._move_capability(measured)
        for k in range(len(self.alpha)):
            s_exp = f_exp = s_imp = f_imp = 0.0
            if k in measured:
                s_exp = s_imp = group_size * measured[k]
                f_exp = f_imp = group_size * (1 - measured[k])
            elif self.capability is not None:
                rate = self.capability * self.strong[k] + (1 - self.capability) * self.weak[k]
                rate = min(max(rate, 0.0), 1.0)
                s_imp, f_imp = group_size * rate, group_size * (1 - rate)
            lam, rho = self.forgetting, self.implicit_weight
            self.alpha[k] = (1 - lam) * self.alpha[k] + lam + (1 - rho) * s_exp + rho * s_imp
            self.beta[k] = (1 - lam) * self.beta[k] + lam + (1 - rho) * f_exp + rho * f_imp

    def _move_capability(self, measured):
        count = len(measured)
        weak = sum(self.weak[k] for k in measured) / count
        strong = sum(self.strong[k] for k in measured) / count
        if abs(strong - weak) < self.min_gap:
            return
        now = (sum(measured.values()) / count - weak) / (strong - weak)
        if self.capability is None:
            self.capability = now
        else:
            self.capability = self.momentum * self.capability + (1 - self.momentum) * now
