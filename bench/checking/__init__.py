"""The laws that a strategy must obey, and what one breaks, in words."""

from bench.checking.choosing import CHOOSING
from bench.checking.knowing import KNOWING
from bench.checking.law import Finding, Law, judge
from bench.checking.learning import LEARNING
from bench.checking.owning import OWNING
from bench.checking.running import RUNNING
from bench.checking.saving import SAVING
from bench.checking.trial import Subject

LAWS = (*CHOOSING, *OWNING, *LEARNING, *SAVING, *KNOWING, *RUNNING)

__all__ = ["LAWS", "Finding", "Law", "Subject", "judge"]
