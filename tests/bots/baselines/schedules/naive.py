"""Walks through an order, as lists."""


class NaiveWalk:
    """The next tasks of what is left of an order."""

    def __init__(self, order):
        self.left = list(order)

    def take(self, count, gone):
        taken = [task for task in self.left if task not in gone][:count]
        self.left = [task for task in self.left if task not in taken]
        return taken


class NaiveQueue(NaiveWalk):
    """A walk whose tasks queue up again."""

    def take(self, count, gone):
        taken = super().take(count, gone)
        self.left += taken
        return taken
