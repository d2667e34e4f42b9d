"""`python tests/fuzz/fuzz_state.py -max_total_time=60` fuzzes the loading of state."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])
    from tests.fuzz.running import fuzz

    fuzz("tests.fuzz.state_target")
