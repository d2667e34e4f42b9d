"""One thread for torch: two on busy cores can be 80 times slower. No deadline for examples: the
first call of a compiled function takes seconds."""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("unhurried", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)  # of make test-fast
settings.load_profile("unhurried")
