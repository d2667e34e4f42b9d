"""One thread for torch: two on busy cores can be 80 times slower."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
