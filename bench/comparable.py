"""Which rows can be averaged, so that every mean of a table is over the same settings."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from bench.conclusions import DEFAULT, in_order, place
from bench.summary import Row


def main_variant(rows: Sequence[Row]) -> str:
    """The law that headline figures are under: the default, or the first that was run."""
    return in_order(place(row.setting)[1] for row in rows)[0] if rows else DEFAULT


def under(rows: Sequence[Row], variant: str) -> list[Row]:
    """The rows of settings under one variant."""
    return [row for row in rows if place(row.setting)[1] == variant]


def shared(rows: Sequence[Row]) -> list[Row]:
    """The rows over which strategies can be averaged: of the same settings for each of them.

    The strategies are those run on at least half of the settings, so that one tried here and there
    takes no setting from the others; the settings are those that have them all.
    """
    of = _grouped((row.setting, row.strategy) for row in rows)
    common = _common(of)
    return [row for row in rows if row.strategy in common and common <= of[row.setting]]


def left_out(rows: Sequence[Row]) -> list[str]:
    """The strategies that `shared` leaves out."""
    common = _common(_grouped((row.setting, row.strategy) for row in rows))
    return [name for name in dict.fromkeys(row.strategy for row in rows) if name not in common]


def scored(rows: Sequence[Row]) -> list[Row]:
    """The `shared` rows of settings on which every strategy has a score."""
    rows = shared(rows)
    without = {row.setting for row in rows if not row.headroom_S.size}
    return [row for row in rows if row.setting not in without]


def side_by_side(
    rows: Sequence[Row], choose: Callable[[Sequence[Row]], list[Row]] = shared
) -> dict[str, list[Row]]:
    """By variant, the rows of the same scenarios under each.

    The variants are those under which at least half of the scenarios were run, the scenarios those
    of which `choose` keeps rows under each of them; all variants are empty where there are none.

    Args:
        rows: of any settings.
        choose: picks rows that can be compared from those of one variant.
    """
    variants = _common(_grouped(place(row.setting) for row in rows))
    chosen = {variant: choose(under(rows, variant)) for variant in in_order(variants)}
    scenarios = [{place(row.setting)[0] for row in group} for group in chosen.values()]
    common = set.intersection(*scenarios) if scenarios else set()
    return {
        variant: [row for row in group if place(row.setting)[0] in common]
        for variant, group in chosen.items()
    }


def counted(rows: Sequence[Row], noun: str = "setting") -> str:
    """On how many settings these rows are, in words."""
    count = len({row.setting for row in rows})
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Second members by first."""
    groups: dict[str, set[str]] = {}
    for first, second in pairs:
        groups.setdefault(first, set()).add(second)
    return groups


def _common(groups: dict[str, set[str]]) -> set[str]:
    """What at least half of the groups have."""
    counts = Counter(member for members in groups.values() for member in members)
    return {member for member, count in counts.items() if 2 * count >= len(groups)}
