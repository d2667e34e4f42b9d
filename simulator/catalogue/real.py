"""Pools and learners fitted to real models."""

from pathlib import Path

from simulator.catalogue.registry import scenario, scenario_file
from simulator.population import Domain, Normal, Population, Reference

# Laws of 41,300 public benchmark items whose parameters were fitted to twelve models, by domain.
_ITEMS = """
    domain                 share   logit at -2    log slope     correlation  guessing     ceiling
    knowledge questions    0.340  -1.39  1.15    0.05  0.57    -0.56   0.238  0.191  0.892  0.150
    commonsense endings    0.243  -1.29  1.12    0.16  0.49    -0.55   0.245  0.191  0.930  0.111
    hard reasoning         0.158  -1.96  1.34    0.23  0.48    -0.56   0.166  0.159  0.875  0.166
    contest mathematics    0.121  -2.61  0.84    0.41  0.32    -0.25   0.067  0.052  0.829  0.197
    short facts            0.073  -3.22  1.27    0.29  0.44    -0.67   0.061  0.074  0.709  0.212
    school mathematics     0.033  -1.84  1.09    0.35  0.40    -0.51   0.149  0.145  0.917  0.130
    theorem questions      0.020  -2.86  1.34   -0.03  0.48    -0.69   0.089  0.122  0.501  0.258
    basic programs         0.012  -2.21  1.20    0.21  0.49    -0.58   0.135  0.145  0.822  0.210
"""


def _domain(row: str) -> Domain:
    """Columns after the name: share; mean and sd of the initial logit and of log discrimination."""
    share, mean, sd, slope, slope_sd, correlation, guess, guess_sd, ceiling, ceiling_sd = (
        float(value) for value in row.split()[2:]
    )
    return Domain(
        share,
        (Normal(1.0, mean, sd),),
        unsolvable=0.0,
        slope_mean=slope,
        slope_sd=slope_sd,
        slope_correlation=correlation,
        guess=guess,
        guess_sd=guess_sd,
        ceiling=ceiling,
        ceiling_sd=ceiling_sd,
    )


@scenario("fitted", "domains", etr=0.92)
def real_items():
    """A pool with the difficulties, slopes, guessing and ceilings of 41,300 real benchmark items.

    Stresses selection where guessing lifts every rate: few tasks are hopeless, and rates near the
    guessing level look half-solved. Measured: the items' laws by domain, and the references'
    abilities (three weak and three strong models, one answer each). Guessed: all of learning.
    """
    domains = tuple(_domain(row) for row in _ITEMS.strip().splitlines()[1:])
    references = (Reference("weak", 0.5, trials=3), Reference("strong", 4.1, trials=3))
    return {"population": Population(domains, references=references)}


for _path in sorted((Path(__file__).parents[1] / "fitted").glob("*.toml")):
    scenario_file(_path)
