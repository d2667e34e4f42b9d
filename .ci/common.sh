# Sourced by every part: stops at the first error, in the checkout's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"  # more can make torch 80 times slower on busy cores
unset PYTHONDONTWRITEBYTECODE                   # or every process compiles torch and transformers anew
export PYTEST_ADDOPTS="-p no:cacheprovider"     # parts that run side by side share the folder
python=$PWD/.venv/bin/python
workers=${WORKERS:-auto}                        # of pytest; .ci/run gives each part one
