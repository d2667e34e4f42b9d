import argparse
import json
import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from bench.contest import command
from bench.contest.page import hold, write_leaderboard
from bench.contest.runs import AXES, CHARGED
from bench.contest.views import ALL, SHARED
from bench.report import record_command
from bench.store import Store
from tests.bench.contest.helpers import CHROMIUM, rendered, runs
from tests.bench.helpers import synthetic_cells

SCORES = {"mopps": 0.3, "bots": 0.5, "bots:tuned": 0.45, "dapo": 0.36, "uniform": 0.4}
ENDS = {
    "base": {"shuffle": 0.4, "oracle-gain": 0.6} | SCORES,
    "base@steep": {"shuffle": 0.4, "oracle-gain": 0.6} | SCORES,
    "noisy30": {"shuffle": 0.4, "oracle-gain": 0.6, "mopps": 0.55, "dapo": 0.36, "uniform": 0.4},
    "gap": {"shuffle": 0.8, "oracle-gain": 0.8, "bots": 0.9},
}


@pytest.fixture(scope="module", name="folder")
def folder_fixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contest")
    store = Store(folder)
    for cell in synthetic_cells(ENDS):
        store.save(cell)
    record_command(folder, "python -m bench run <core>")
    write_leaderboard(folder)
    return folder


@pytest.fixture(scope="module", name="found")
def found_fixture(folder):
    return json.loads((folder / "leaderboard.json").read_text(encoding="utf-8"))


@pytest.mark.integration
def test_strategies_without_all_scenarios_are_listed_apart_where_they_lack_them(found, folder):
    views = found["views"]
    assert views[ALL]["apart"] == {"bots": ["noisy30"], "bots:tuned": ["noisy30"]}
    assert not {"bots", "bots:tuned"} & set(views[ALL]["strategies"])
    assert views[SHARED]["scenarios"] == ["base", "base@steep"]
    assert "bots" in views[SHARED]["strategies"]
    text = (folder / "leaderboard.md").read_text(encoding="utf-8")
    assert "without a place: bots, bots:tuned (2 of 3, not noisy30)" in text
    assert "gap (oracle-gain gains 0.0000" in text


@pytest.mark.integration
def test_there_is_a_view_for_every_tag_and_law_on_every_axis(found):
    assert list(found["views"]) == [ALL, SHARED, "law: default", "law: steep", "plain", "noise"]
    assert found["views"]["law: steep"]["scenarios"] == ["base@steep"]
    for view in found["views"].values():
        assert list(view["standings"]) == list(AXES)


def test_oracles_have_no_rank_and_rivals_share_all_ranks(found):
    view = found["views"][ALL]
    ranks = dict(zip(view["strategies"], view["standings"]["rollouts"]["rank"][0], strict=True))
    assert ranks.pop("oracle-gain") is None
    assert sum(ranks.values()) == pytest.approx(4 * 5 / 2, abs=0.02)


@pytest.mark.integration
def test_only_what_equals_shuffle_is_not_distinguishable(found):
    view = found["views"][ALL]
    distinct = view["standings"]["rollouts"]["distinct"]
    alike = {name for name, apart in zip(view["strategies"], distinct, strict=True) if not apart}
    assert alike == {"shuffle", "uniform"}


@pytest.mark.integration
def test_equal_contests_give_equal_files(folder):
    names = ["leaderboard.html", "leaderboard.md", "leaderboard.json"]
    before = [(folder / name).read_bytes() for name in names]
    assert command.run(argparse.Namespace(folder=str(folder))) == 0
    assert [(folder / name).read_bytes() for name in names] == before


def test_the_page_needs_nothing_else_and_holds_its_data(folder):
    page = (folder / "leaderboard.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=|@import|url\(|fetch\(", page)
    assert "{{" not in page
    assert "python -m bench run &lt;core&gt;" in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert {len(curve) for curve in data["curves"]["base"]["gains"].values()} == {40}
    assert set(data["curves"]) == set(ENDS)
    for picture in ("contest.png", "profile.png"):
        assert (folder / "figures" / picture).stat().st_size < 200_000


def test_a_view_of_one_scenario_is_a_contest_on_it_alone():
    alone = hold([run for run in runs(ENDS) if run.cell.setting == "noisy30"])
    among = hold(runs(ENDS))
    one, other = alone.views[ALL].standings["tokens"], among.views["noise"].standings["tokens"]
    assert one.strategies == other.strategies
    assert one.iqm.value.tolist() == other.iqm.value.tolist()
    assert one.iqm.low.tolist() == other.iqm.low.tolist()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_sorting_and_filters_work_in_a_browser(folder):
    def names(**state: str) -> list[str]:
        address = (folder / "leaderboard.html").as_uri() + "#" + urlencode(state)
        return _Names.of(rendered(address))

    assert names() == ["oracle-gain", "shuffle", "uniform", "dapo", "mopps"]
    alphabetical = ["dapo", "mopps", "oracle-gain", "shuffle", "uniform"]
    assert names(sort="name", dir="rising") == alphabetical
    assert names(tag="noise", axis="tokens", dir="falling")[:2] == ["oracle-gain", "mopps"]
    assert names(tag="noise", axis="tokens", dir="rising")[0] == "dapo"
    assert "bots:tuned" in names(tag="plain", kind="both")
    assert "bots:tuned" not in names(tag="plain", kind="published")
    assert names(tag="plain", kind="tuned") == ["oracle-gain", "bots:tuned", "shuffle"]
    assert names(tag="plain", axis=CHARGED)[0] == "oracle-gain"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_a_phone_scrolls_tables_in_their_boxes_and_never_the_page(folder, tmp_path):
    frame = tmp_path / "frame.html"
    measure = "document.title = this.contentDocument.documentElement.scrollWidth"
    source = (folder / "leaderboard.html").as_uri()
    frame.write_text(
        f'<title></title><iframe src="{source}" width=390 height=844 style="border:0" '
        f'onload="{measure}"></iframe>'
    )
    width = re.search(r"<title>(\d+)</title>", rendered(frame.as_uri()))
    assert width is not None
    assert int(width[1]) <= 390


class _Names(HTMLParser):
    """The first column of the standings."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    @staticmethod
    def of(page: str) -> list[str]:
        parser = _Names()
        parser.feed(page)
        return [name.strip() for name in parser.found if name.strip()]

    def handle_starttag(self, tag, attrs):
        if tag == "label" and dict(attrs).get("title") is not None:
            self._inside = True

    def handle_endtag(self, tag):
        if tag == "label":
            self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.found.append(data)
