"""From shuffle's runs to a scenario per mechanism, kept on disk."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.files import atomic
from bench.validation.evidence import Evidence
from bench.validation.families import domains, family
from bench.validation.growth import RATE, Moments, matched, real_moments, simulated_moments
from bench.validation.mechanisms import Spec
from bench.validation.references import with_references
from simulator import LearnerLaw, Population, Scenario, scenario_files
from simulator.calibration.estimation import Comparison, Estimates
from simulator.calibration.fit import calibrate
from simulator.calibration.likelihood import maximise, search, with_errors
from simulator.calibration.parameters import Layout
from simulator.calibration.state_space import Accuracy, Dynamics, Observations
from simulator.calibration.trace import Trace

_MOST_TASKS = 400  # of all runs together: a minute or two of one core, half an hour for 10,000
_SEED = 0
_ACCURACY, _SEGMENTS = Accuracy(0.5, 6), 2
_FIT = "fit.json"
_NOT_SOUGHT = "effects of a task's own visits were not sought"


@dataclass(frozen=True, slots=True)
class Fitted:
    """The scenario of one mechanism, and how its own runs under shuffle compare with the real ones.

    Attributes:
        mechanism: its name.
        scenario: called `SETTING@MECHANISM`, so that all of a setting share their draws.
        moments: of its own runs.
        real: of the real runs.
    """

    mechanism: str
    scenario: Scenario
    moments: Moments
    real: Moments


def fit(evidence: Evidence, specs: Sequence[Spec], folder: Path) -> list[Fitted]:
    """A scenario per mechanism, written to `folder` as TOML; what is there already is read.

    The laws of tasks and of learning come from `simulator.calibration` on at most 400 tasks, drawn
    at random from all runs; references and held-out tasks from their moments; then mechanisms are
    switched on, and constants of growth are fitted again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base, dynamics = _base(evidence, folder)
    real = real_moments(evidence)
    return [_fitted(evidence, spec, base, dynamics, real, folder) for spec in specs]


def digest(evidence: Evidence) -> str:
    """Of everything that a fit looks at."""
    found = hashlib.sha256(json.dumps(evidence.config, sort_keys=True).encode())
    for run in evidence.runs:
        trace = run.trace
        arrays = [trace.task_R, trace.when_R, trace.successes_R, trace.trials_R, *run.heldout]
        for array in [*arrays, *run.references.values()]:
            found.update(np.ascontiguousarray(array).data)
        found.update("\n".join([*trace.names_K, *run.domains_K]).encode())
    return found.hexdigest()


def _base(evidence: Evidence, folder: Path) -> tuple[Scenario, Dynamics]:
    """The scenario of `simulator.calibration`, and how it says that logits move."""
    path, mine = folder / _FIT, digest(evidence)
    if path.exists():
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["digest"] == mine:
            return scenario_files.read(folder / "base.toml"), _dynamics(held["dynamics"])
    for stale in (path, *folder.glob("*.toml")):
        stale.unlink(missing_ok=True)
    trace = evidence.stacked()
    order = np.random.default_rng(_SEED).permutation(trace.num_tasks)
    part = trace.take(np.sort(order[:_MOST_TASKS]))
    estimates = _estimates(part)
    note = (
        f"{part.num_tasks} of {trace.num_tasks} tasks of {len(evidence.runs)} runs; {_NOT_SOUGHT}"
    )
    done = replace(calibrate(estimates, _blank(evidence)), notes=(note,))
    scenario_files.write(folder / "base.toml", done.scenario, done.table())
    dynamics = estimates.fit.dynamics
    _save(path, {"digest": mine, "dynamics": asdict(dynamics)})
    return done.scenario, dynamics


def _estimates(trace: Trace) -> Estimates:
    """Those of `simulator.calibration.estimation`, without effects of a task's own visits.

    Three visits per task cannot tell them from tasks that differ, and looking for them takes twice
    as long as all the rest.
    """
    observations = Observations.of(trace, 1.0)
    single = search(observations, Layout(1, _SEGMENTS), _ACCURACY)
    layout = replace(single.layout, components=2)
    start = single.layout.extended(single.vector, layout)
    double = maximise(observations, layout, start, _ACCURACY)
    base = with_errors(min(single, double, key=lambda fit: fit.bic), _ACCURACY)
    none = Comparison("own", 0.0, 0.0, 0.0)
    return Estimates(base, (single.bic, double.bic), none, none, none, base)


def _blank(evidence: Evidence) -> Scenario:
    """The real run's sizes."""
    config = evidence.config
    sizes = {name: config[name] for name in ("batch_size", "group_size", "steps", "truth_every")}
    summary = f"Fitted to the runs of shuffle on {evidence.setting}."
    return Scenario(
        evidence.setting, summary, tags=("fitted",), num_tasks=evidence.num_tasks, **sizes
    )


def _fitted(
    evidence: Evidence,
    spec: Spec,
    base: Scenario,
    dynamics: Dynamics,
    real: Moments,
    folder: Path,
) -> Fitted:
    path = folder / f"{spec.name}.toml"
    if path.exists():
        scenario = scenario_files.read(path)
    else:
        scenario = _with_mechanisms(evidence, spec, base, dynamics, real)
        count = len(evidence.runs)
        comment = f"{spec.name}: fitted to {count} runs of shuffle on {evidence.setting}"
        scenario_files.write(path, scenario, comment)
        scenario = scenario_files.read(path)
    return Fitted(spec.name, scenario, simulated_moments(scenario), real)


def _with_mechanisms(
    evidence: Evidence, spec: Spec, base: Scenario, dynamics: Dynamics, real: Moments
) -> Scenario:
    population = _population(evidence, spec, base, dynamics)
    law: LearnerLaw = replace(base.law, **spec.law)
    scenario = replace(base, name=f"{evidence.setting}@{spec.name}", population=population, law=law)
    return scenario if spec.plain else matched(scenario, real, (RATE, *spec.knobs))


def _population(evidence: Evidence, spec: Spec, base: Scenario, dynamics: Dynamics) -> Population:
    population = base.population
    if spec.domains:
        labels = evidence.domains()
        of_labels = domains(evidence.stacked(), labels, dynamics, population.domains[0], _SEED)
        levels = len({*labels.values()}) / len({family(label) for label in labels.values()})
        population = replace(population, domains=of_labels, skills_per_domain=max(round(levels), 1))
    return with_references(population, evidence)


def _dynamics(held: dict[str, Any]) -> Dynamics:
    values = {field.name: held[field.name] for field in fields(Dynamics)}
    return Dynamics(**{**values, "drifts": tuple(values["drifts"])})


def _save(path: Path, content: dict[str, Any]) -> None:
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
