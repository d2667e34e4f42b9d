"""Tasks of reasoning-gym, at exact levels."""

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Sequence
from typing import Any

from backends.rft.tasks import Chat, Task
from bots import checks

FAMILIES = (
    "chain_sum",
    "products",
    "basic_arithmetic",
    "decimal_chain_sum",
    "gcd",
    "lcm",
    "base_conversion",
    "simple_equations",
    "bitwise_arithmetic",
    "fraction_simplification",
    "letter_counting",
    "number_sorting",
    "word_sorting",
    "knights_knaves",
    "leg_counting",
    "string_insertion",
    "count_bits",
    "binary_matrix",
)
COMPACT = {
    "chain_sum": "{expression}=",
    "products": "{expression}=",
    "gcd": "gcd {numbers}=",
    "count_bits": "bits {number}=",
    "base_conversion": "base {source_base} to {target_base}: {source_repr}=",
    "number_sorting": "{direction} {original_numbers}=",
}
SCORED_BY = {  # what reasoning-gym's scorer of a family reads besides the answer
    "bitwise_arithmetic": ("problem",),
    "fraction_simplification": (
        "numerator",
        "denominator",
        "simplified_numerator",
        "simplified_denominator",
    ),
    "number_sorting": ("direction",),
    "word_sorting": ("sorted_words",),
}
INSTRUCTION = "\nWrite the final answer between <answer> and </answer>."
_DRAWS_PER_TASK = 20
_KEY_DIGITS = 16


def reasoning_tasks(
    families: Sequence[str],
    levels: Sequence[int],
    per_cell: int,
    seed: int = 0,
    heldout_share: float = 0.1,
    compact: bool = False,
) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """Tasks to train on and held-out tasks, of every family at every level.

    A level is exactly that level, not the levels up to it. All tasks come from one seed and differ
    by their index, because in reasoning-gym task i + 1 of seed s is task i of seed s + 1. No prompt
    occurs twice within a family, at whatever level, so an easy cell may hold fewer tasks than asked
    for. A task stays held out, or in training, when `per_cell` of a single level grows.

    Args:
        families: names in `FAMILIES`.
        levels: from 0, the easiest.
        per_cell: tasks of one family at one level, held-out ones included.
        seed: of the questions.
        heldout_share: of every cell, evenly spread over it, in [0, 1).
        compact: a prompt of a few characters, continued as it is, and a completion that is the
            answer and nothing else, for tiny models; for the families in `COMPACT`.

    Raises:
        ValueError: when reasoning-gym is not installed, or for a family or level it has not.
    """
    if importlib.util.find_spec("reasoning_gym") is None:
        raise ValueError(
            "these tasks need the package reasoning_gym: `pip install reasoning-gym==0.1.25`"
        )
    checks.integer("per_cell", per_cell, 1)
    checks.number("heldout_share", heldout_share, 0, 1)
    train: list[Task] = []
    heldout: list[Task] = []
    for family in dict.fromkeys(families):
        _check_family(family, compact)
        used: set[str | Chat] = set()
        for level in sorted(set(levels)):
            cell = _cell(family, level, per_cell, seed, compact, used)
            for place, task in enumerate(cell):
                out = int((place + 1) * heldout_share) > int(place * heldout_share)
                (heldout if out else train).append(task)
    return tuple(train), tuple(heldout)


def _check_family(family: str, compact: bool) -> None:
    if family not in FAMILIES:
        raise ValueError(
            f"family {family!r} cannot be used: outside the list below, scorers of reasoning-gym "
            "pay for wrong answers, refuse right ones, or were not examined; choose among "
            f"{', '.join(FAMILIES)}"
        )
    if compact and family not in COMPACT:
        raise ValueError(
            f"family {family!r} has no compact prompt; choose among {', '.join(COMPACT)}, or leave "
            "`compact` out"
        )


def _cell(
    family: str, level: int, per_cell: int, seed: int, compact: bool, used: set[str | Chat]
) -> Iterator[Task]:
    """Tasks of one family and level whose prompts are not used, which they then are."""
    from reasoning_gym.factory import create_dataset

    draws = per_cell * _DRAWS_PER_TASK
    dataset = create_dataset(family, **_configuration(family, level), seed=seed, size=draws)
    found = 0
    for index in range(draws):
        if found == per_cell:
            return
        task = _task(family, level, dataset[index], compact)
        if task.prompt not in used:
            used.add(task.prompt)
            found += 1
            yield task


def _configuration(family: str, level: int) -> dict[str, Any]:
    """What exactly this level of a family is, as arguments of its data set."""
    from reasoning_gym.coaching.base_curriculum import DefaultCurriculumContext, RangeAttributeMode
    from reasoning_gym.factory import create_curriculum

    exact = DefaultCurriculumContext(mode=RangeAttributeMode.UPPER_BOUND)
    configurations: list[dict[str, Any]] = []
    for candidate in range(checks.integer("level", level, 0) + 1):
        curriculum = create_curriculum(family)
        curriculum.set_global_level(candidate)
        configuration = dict(vars(curriculum.generate_configuration(context=exact)))
        if configuration in configurations:
            raise ValueError(
                f"{family} has no level {level}: its levels run from 0 to {candidate - 1}; levels "
                "apply to all families of a call, so make one call per range of levels"
            )
        configurations.append(configuration)
    return {k: v for k, v in configurations[-1].items() if k not in ("seed", "size")}


def _task(family: str, level: int, entry: dict[str, Any], compact: bool) -> Task:
    metadata = entry["metadata"]
    needed = {name: metadata[name] for name in SCORED_BY.get(family, ())}
    answer = {
        "dataset": family,
        "compact": compact,
        "entry": {"answer": entry["answer"], "metadata": needed},
    }
    prompt = _compact(family, metadata) if compact else (("user", entry["question"] + INSTRUCTION),)
    digest = hashlib.sha256(json.dumps([family, prompt]).encode()).hexdigest()
    return Task(
        f"{family}-{digest[:_KEY_DIGITS]}",
        prompt,
        json.dumps(answer),
        "reasoning",
        f"{family}-{level}",
    )


def _compact(family: str, metadata: dict[str, Any]) -> str:
    """The question in a few characters: lists with commas, no spaces around operators."""
    words = {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in metadata.items()
    }
    if "expression" in words:
        words["expression"] = words["expression"].replace(" ", "")
    return COMPACT[family].format(**words)
