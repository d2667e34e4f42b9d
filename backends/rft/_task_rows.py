"""One row of a user's file as a task."""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from backends.rft._records import Record
from backends.rft.tasks import Chat, Task

GURU_RATES = {"weak": "qwen2.5_7b_pass_rate", "strong": "qwen3_30b_pass_rate"}
_PROMPTS = ("question", "prompt", "problem")
_ANSWERS = ("answer", "ground_truth", "solution")
_GURU_VERIFIERS = {"math": "math", "code": "code", "codegen": "code"}
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Row:
    """A task that may lack its key.

    Attributes:
        place: where it stands, in words.
        task: its key is what the file gives it, or empty.
        index: its place in GURU's own count, or empty.
        rates: solve rates by the reference's name, NaN where missing.
    """

    place: str
    task: Task
    index: str
    rates: Mapping[str, float]


def to_row(
    place: str,
    record: Record,
    verifier: str | None,
    rate_columns: Mapping[str, str],
    known: Collection[str],
) -> Row:
    """The task that a record describes.

    Raises:
        ValueError: naming the place, the field, the value and the remedy.
    """
    guru = "reward_model" in record and "data_source" in record
    prompt = _prompt(_needed(record, _PROMPTS, place), place)
    if guru:
        answer = _needed(_mapping(record, "reward_model", place), ("ground_truth",), place)
        answer = _with_prefix(answer, _mapping(record, "extra_info", place).get("prefix"))
        domain = record["data_source"]
        name = verifier or _guru_verifier(record)
    else:
        answer = _needed(record, _ANSWERS, place)
        domain = record.get("domain")
        name = verifier if record.get("verifier") is None else record["verifier"]
    task = Task(
        key=_label(record.get("id"), "id", place),
        prompt=prompt,
        answer=_answer(answer, place),
        verifier=_known_verifier(name, known, place),
        domain=_label(domain, "domain", place),
    )
    index = _mapping(record, "extra_info", place).get("index") if guru else None
    columns = {**(GURU_RATES if guru else {}), **rate_columns}
    rates = {name: _rate(record.get(column), column, place) for name, column in columns.items()}
    return Row(place, task, _label(index, "extra_info.index", place), rates)


def _needed(record: Record, names: tuple[str, ...], place: str) -> Any:
    for name in names:
        if record.get(name) is not None:
            return record[name]
    raise ValueError(
        f"{place} has no {' or '.join(f'`{name}`' for name in names)}; it has "
        f"{short(', '.join(map(str, record)))}: rename a column"
    )


def _mapping(record: Record, name: str, place: str) -> Record:
    value = record.get(name)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"`{name}` is {short(value)} in {place}; it must be an object")
    return value or {}


def _prompt(value: object, place: str) -> str | Chat:
    if isinstance(value, str):
        return _text(value, "the prompt", place)
    if not isinstance(value, list) or not value or not all(isinstance(m, dict) for m in value):
        raise ValueError(
            f"the prompt is {short(value)} in {place}; it must be text, or a list of objects with "
            "`role` and `content`"
        )
    return tuple(
        (
            _text(message.get("role"), "the role of a message", place),
            _text(message.get("content"), "the content of a message", place),
        )
        for message in value
    )


def _text(value: object, what: str, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} is {short(value)} in {place}; it must be text that is not blank")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{what} in {place} holds half of a surrogate pair, which is no character: repair the "
            "text or leave the task out"
        ) from None
    return value


def _answer(value: object, place: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value).removesuffix(".0")
    if isinstance(value, list | dict):
        try:
            return json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise ValueError(f"the answer {short(value)} in {place} is no JSON value") from None
    return _text(value, "the answer", place)


def _label(value: object, what: str, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value, f"`{what}`", place)


def _guru_verifier(record: Record) -> str:
    source = str(record["data_source"]).split("__")[0]
    return _GURU_VERIFIERS.get(str(record.get("ability")), _GURU_VERIFIERS.get(source, "exact"))


def _with_prefix(answer: object, prefix: object) -> object:
    """Tests of functions with the imports that GURU keeps beside them, and solutions rely on."""
    if not isinstance(prefix, str) or not prefix.strip() or not isinstance(answer, str):
        return answer
    try:
        tests = json.loads(answer)
    except (ValueError, RecursionError):
        return answer
    if not isinstance(tests, dict) or "functional" not in tests:
        return answer
    return {"prefix": prefix, **tests}


def _known_verifier(name: object, known: Collection[str], place: str) -> str:
    if name is None:
        raise ValueError(
            f"{place} has no verifier; name one in a column `verifier`, or for all rows with the "
            f"argument of that name: {', '.join(known)}"
        )
    if not isinstance(name, str) or name not in known:
        raise ValueError(
            f"the verifier is {short(name)} in {place}; it must be one of {', '.join(known)}"
        )
    return name


def _rate(value: object, column: str, place: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(
            f"`{column}` is {short(value)} in {place}; a solve rate is a number: leave missing "
            "entries empty"
        )
    if value < 0 or value > 1:
        remedy = "leave missing entries empty" if value < 0 else "divide percentages by 100"
        raise ValueError(
            f"`{column}` is {short(value)} in {place}; a solve rate lies in [0, 1]: {remedy}"
        )
    return float(value)


def short(value: object) -> str:
    """The value as a message can show it."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
