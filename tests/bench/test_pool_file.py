import gzip
import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.__main__ import main
from bench.cell import run_cell
from bench.pool_file import PoolFile, read_tasks
from bench.settings import pool_setting
from tests.test_layout import ROOT

DATA = Path(os.environ.get("BOTS_DATA", ROOT.parent / "shared" / "data"))
ITEMS = DATA / "llm_items.csv.gz"
ROWS = 40
PLAIN = ("p.csv", "p.tsv", "p.jsonl", "p.ndjson", "p.json", "p.parquet")
FORMATS = (*PLAIN, *(f"{name}.gz" for name in PLAIN))


def columns() -> dict[str, list]:
    rng = np.random.default_rng(0)
    weak = rng.integers(0, 9, ROWS) / 8
    return {
        "id": [f"task {k}" for k in range(ROWS)],
        "qwen2.5_7b_pass_rate": weak.tolist(),
        "qwen3_30b_pass_rate": (weak + (1 - weak) / 2).tolist(),
        "domain": ["math", "code"] * (ROWS // 2),
    }


def write(path: Path, table: dict[str, list]) -> PoolFile:
    if ".parquet" in path.name:
        plain = path.with_name("plain.parquet")
        pq.write_table(pa.table(table), plain)
        content = plain.read_bytes()
    elif ".js" in path.name or ".nd" in path.name:
        records = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        lines = "\n".join(map(json.dumps, records))
        content = (lines if ".json." not in f"{path.name}." else json.dumps(records)).encode()
    else:
        separator = "\t" if ".tsv" in path.name else ","
        rows = [list(table), *zip(*table.values(), strict=True)]
        content = "".join(separator.join(map(str, row)) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return PoolFile(str(path))


@pytest.mark.parametrize("name", FORMATS)
def test_all_formats_say_the_same(tmp_path, name):
    tasks = read_tasks(write(tmp_path / name, columns()))
    assert tasks.keys_N.tolist() == columns()["id"]
    assert tasks.references["weak"].tolist() == columns()["qwen2.5_7b_pass_rate"]
    assert tasks.references["strong"].tolist() == columns()["qwen3_30b_pass_rate"]
    assert tasks.domains_N.tolist() == columns()["domain"]
    assert tasks.items is None


def test_several_columns_make_one_reference(tmp_path):
    table = columns() | {"a": [0, 1] * 20, "b": [1, 1] * 20, "strong": [1.0] * ROWS}
    tasks = read_tasks(replace(write(tmp_path / "p.csv", table), weak=("a", "b")))
    assert tasks.references["weak"].tolist() == [0.5, 1.0] * 20


def test_rows_are_numbered_without_an_id(tmp_path):
    table = columns()
    del table["id"]
    assert read_tasks(write(tmp_path / "p.csv", table)).keys_N.tolist() == list(range(ROWS))


def test_a_user_s_tasks_run_like_a_scenario(tmp_path):
    setting = pool_setting(write(tmp_path / "mine.csv", columns()), 4, 8, 6)
    assert setting.name == "mine"
    result = run_cell(setting, "bots", 0)
    assert result.columns["step"][-1] == 9
    assert result.config["pool"]["path"] == "mine.csv"
    assert len(result.config["pool"]["sha256"]) == 64


@pytest.mark.integration
def test_a_run_on_a_user_s_tasks_resumes(tmp_path, capsys):
    write(tmp_path / "mine.csv", columns())
    command = ["run", "smoke", "--pool", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "out")]
    command += [
        "--weak",
        "qwen2.5_7b_pass_rate",
        "--seeds",
        "1",
        "--steps",
        "4",
        "--batch-size",
        "4",
    ]
    command += ["--strategy", "bots"]
    for said in ("2 cells run, 0 already there", "0 cells run, 2 already there"):
        assert main(command) == 0
        assert said in capsys.readouterr().out


@pytest.mark.integration
def test_strategies_that_the_pool_cannot_serve_are_left_out_with_a_note(tmp_path, capsys):
    table = columns()
    del table["qwen3_30b_pass_rate"]
    write(tmp_path / "p.csv", table)
    command = ["run", "smoke", "--pool", str(tmp_path / "p.csv"), "--out", str(tmp_path / "out")]
    command += ["--seeds", "1", "--steps", "2", "--batch-size", "4"]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "left out on p: strategy 'bots'" in said.err
    assert main([*command, "--strategy", "bots"]) == 2
    said = capsys.readouterr()
    assert "no reference ['strong']: name a column of solve rates with --strong COLUMN" in said.err
    assert "--strategy mopps" in said.err


def test_the_learner_starts_near_its_weak_reference(tmp_path):
    source = write(tmp_path / "p.csv", columns())
    weak = np.mean(columns()["qwen2.5_7b_pass_rate"])
    setting = pool_setting(source, 4, 8, 6)
    start = run_cell(setting, "shuffle", 0).columns["pool"][0]
    assert start == pytest.approx(weak, abs=0.08)
    given = pool_setting(replace(source, start_rate=0.2), 4, 8, 6)
    assert run_cell(given, "shuffle", 0).columns["pool"][0] == pytest.approx(0.2, abs=0.08)


def missing_rates(tmp_path: Path) -> PoolFile:
    table = columns()
    table["qwen2.5_7b_pass_rate"][3] = None
    table["qwen3_30b_pass_rate"][5] = float("nan")
    return write(tmp_path / "p.parquet", table)


def test_a_missing_rate_is_an_error_by_default(tmp_path):
    with pytest.raises(
        ValueError, match=r"qwen2\.5_7b_pass_rate .* no rate in 1 of 40 rows .*row 3"
    ):
        read_tasks(missing_rates(tmp_path))


def test_tasks_without_a_rate_can_be_dropped(tmp_path):
    tasks = read_tasks(replace(missing_rates(tmp_path), missing="drop"))
    assert tasks.keys_N.size == ROWS - 2
    assert not {"task 3", "task 5"} & set(tasks.keys_N)


def test_tasks_without_a_rate_can_be_kept_without_one(tmp_path):
    source = replace(missing_rates(tmp_path), missing="keep")
    tasks = read_tasks(source)
    assert np.isnan(tasks.references["weak"][3])
    assert np.isnan(tasks.references["strong"][5])
    result = run_cell(pool_setting(source, 4, 8, 6), "bots", 0)
    assert np.isfinite(result.columns["heldout"]).all()


def test_missing_entries_of_a_csv_are_missing_not_zero(tmp_path):
    table = columns()
    table["qwen2.5_7b_pass_rate"][7] = ""
    with pytest.raises(ValueError, match="row 7"):
        read_tasks(write(tmp_path / "p.csv", table))


def test_item_parameters_are_used_when_they_are_there(tmp_path):
    table = columns() | {
        "difficulty": np.linspace(-2, 2, ROWS).tolist(),
        "discrimination": [1.0] * ROWS,
        "guessing": [0.1] * ROWS,
        "feasibility": [0.9] * ROWS,
    }
    source = write(tmp_path / "p.csv", table)
    items = read_tasks(source).items
    assert items.ceiling_N.tolist() == [0.9] * ROWS
    assert items.guessing_N.tolist() == [0.1] * ROWS
    assert read_tasks(replace(source, items=False)).items is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"qwen2.5_7b_pass_rate": [18.75] * ROWS}, r"18\.75 in row 0 .*divide percentages by 100"),
        ({"qwen2.5_7b_pass_rate": [-1.0] * ROWS}, "leave missing entries empty"),
        ({"qwen2.5_7b_pass_rate": [None] * ROWS}, "no rate in any row"),
        ({"qwen3_30b_pass_rate": ["0.5"] * 3 + ["6%"] * (ROWS - 3)}, "row 3 has '6%'"),
        ({"qwen3_30b_pass_rate": [0.0] * ROWS}, "swap --weak and --strong"),
        ({"id": ["same"] * ROWS}, "'same' in rows 0 and 1"),
        ({"id": [b"caf\xe9"] * ROWS}, "UTF-8"),
        ({"domain": [None] + ["math"] * (ROWS - 1)}, "1 empty entries"),
        ({"domain": [["nested"]] * ROWS}, "column 'domain'"),
        ({"domain": list(range(ROWS))}, "40 labels for 40 tasks"),
        ({"difficulty": [None] * ROWS, "discrimination": [1.0] * ROWS}, "difficulty of task 0"),
    ],
)
def test_bad_content_is_refused(tmp_path, change, says):
    source = write(tmp_path / "p.parquet", columns() | change)
    with pytest.raises(ValueError, match=says):
        pool_setting(source, 4, 8, 6)


def test_other_columns_of_a_nested_parquet_file_do_not_matter(tmp_path):
    table = columns() | {"prompt": [[{"role": "user", "content": "2 + 2?"}]] * ROWS}
    assert read_tasks(write(tmp_path / "p.parquet", table)).keys_N.size == ROWS


def test_ids_are_checked_before_tasks_are_held_out(tmp_path):
    table = columns()
    table["id"][5] = table["id"][0]
    with pytest.raises(ValueError, match="rows 0 and 5"):
        read_tasks(write(tmp_path / "p.csv", table))


def test_a_misspelt_column_is_suggested(tmp_path):
    source = write(tmp_path / "p.csv", {"weak_rate": [0.5] * ROWS})
    with pytest.raises(ValueError, match="Did you mean --weak 'weak_rate'"):
        read_tasks(source)
    with pytest.raises(ValueError, match=r"no column 'weak rat'.*did you mean 'weak_rate'"):
        read_tasks(replace(source, weak=("weak rat",)))


@pytest.mark.parametrize("name", ["Weak", " weak ", "WEAK"])
def test_case_and_blanks_of_columns_do_not_matter(tmp_path, name):
    source = write(tmp_path / "p.csv", {name: [0.5] * ROWS})
    assert read_tasks(source).references["weak"].tolist() == [0.5] * ROWS
    assert read_tasks(replace(source, weak=("wEAK",))).references["weak"].size == ROWS


def test_columns_that_differ_in_case_alone_are_not_chosen_between(tmp_path):
    source = write(tmp_path / "p.csv", {"Weak": [0.5] * ROWS, "WEAK": [0.1] * ROWS})
    with pytest.raises(ValueError, match="'Weak' and 'WEAK'"):
        read_tasks(source)
    assert read_tasks(replace(source, weak=("WEAK",))).references["weak"][0] == 0.1


COUNTS = {"weak": [0, 1] * 20, "strong": [3, 16] * 20}


def test_counts_of_unknown_trials_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"whole numbers up to 16 .*--reference-trials 16"):
        read_tasks(write(tmp_path / "p.csv", COUNTS))


@pytest.mark.parametrize(
    ("more", "given"), [({}, 16), ({"Trials": [16] * ROWS}, None), ({"trials": [8] * ROWS}, 16)]
)
def test_counts_are_divided_by_their_trials_and_the_log_says_so(tmp_path, caplog, more, given):
    source = replace(write(tmp_path / "p.csv", COUNTS | more), reference_trials=given)
    with caplog.at_level(logging.INFO, logger="bench"):
        setting = pool_setting(source, 4, 8, 6)
    tasks = read_tasks(source)
    assert tasks.references["weak"].tolist() == [0, 1 / 16] * 20
    assert tasks.references["strong"].tolist() == [3 / 16, 1] * 20
    assert setting.reference_trials == {"weak": 16, "strong": 16}
    assert "'weak' and 'strong' hold counts of successes" in caplog.text


@pytest.mark.parametrize(
    ("change", "given", "says"),
    [
        ({}, 8, "16 in row 1 .*more than the 8 trials"),
        ({"trials": [0] * ROWS}, None, "is 0 in row 0; trials are whole numbers"),
        ({"strong": [56, 90] * 20}, None, "Percentages"),
    ],
)
def test_counts_that_cannot_be_right_are_refused(tmp_path, change, given, says):
    source = write(tmp_path / "p.csv", COUNTS | change)
    with pytest.raises(ValueError, match=says):
        read_tasks(replace(source, reference_trials=given))


def test_zeros_and_ones_are_rates_and_the_log_says_so(tmp_path):
    source = replace(write(tmp_path / "p.csv", {"weak": [0, 1] * 20}), reference_trials=16)
    tasks = read_tasks(source)
    assert tasks.references["weak"].tolist() == [0, 1] * 20
    assert "read as solve rates" in tasks.notes[0]


def test_a_decimal_comma_is_refused_with_its_remedy(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id;weak\na;0,5\nb;0,6\n")
    with pytest.raises(ValueError, match="row 0 has '0,5': that is a decimal comma"):
        read_tasks(PoolFile(str(path)))


def test_labels_keep_their_leading_zeros(tmp_path):
    table = columns() | {"id": [f"{k:03d}" for k in range(ROWS)]}
    assert read_tasks(write(tmp_path / "p.csv", table)).keys_N[7] == "007"


def test_a_pool_that_is_met_many_times_is_told_with_a_remedy(tmp_path, caplog):
    source = write(tmp_path / "p.csv", columns())
    pool_setting(source, 4, 8, 120)
    assert "36 tasks to train on: 120 steps of 4 meet each of them about 13 times" in caplog.text
    assert "--steps 45" in caplog.text
    caplog.clear()
    pool_setting(source, 4, 8, 12)
    assert not caplog.text


def test_columns_of_the_same_name_are_refused(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id,weak,weak\n1,0.5,0.5\n")
    with pytest.raises(ValueError, match="several columns named 'weak'"):
        read_tasks(PoolFile(str(path)))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"weak": ("nope",)}, "no column 'nope'"),
        ({"id_column": "nope"}, "no column 'nope'"),
        ({"domain": "nope"}, "no column 'nope'"),
        ({"missing": "zero"}, "one of error, drop, keep"),
        ({"heldout_share": 1.5}, "heldout_share is 1.5"),
        ({"heldout_share": 0.0}, "holding out 0"),
        ({"start_rate": 2.0}, "start_rate is 2.0"),
        ({"start_rate": 1.0}, "cannot start"),
        ({"residual_sd": -1.0}, "residual_sd is -1.0"),
        ({"reference_trials": 0}, "reference_trials is 0"),
    ],
)
def test_bad_options_are_refused(tmp_path, options, says):
    source = write(tmp_path / "p.csv", columns())
    with pytest.raises(ValueError, match=says):
        pool_setting(replace(source, **options), 4, 8, 6)


def test_a_batch_larger_than_the_pool_names_the_option(tmp_path):
    with pytest.raises(ValueError, match="lower --batch-size"):
        pool_setting(write(tmp_path / "p.csv", columns()), 39, 8, 6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "a"),
        ("v.1.csv.gz", "v.1"),
        (".csv", "pool"),
        ("b.parquet", "b"),
        ("tasks.train.JSONL", "tasks.train"),
        ("a.csv.json", "a.csv"),
    ],
)
def test_a_setting_is_named_after_its_file(name, expected):
    assert PoolFile(f"some/folder/{name}").name == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.txt", b"id\n1\n"),
        ("p", b""),
        ("p.csv", b""),
        ("p.csv", b"id,weak\n"),
        ("p.csv.gz", b"not gzip"),
        ("p.parquet", b"not parquet"),
        ("p.json", b'{"weak": 0.5}'),
    ],
)
def test_unreadable_files_are_refused_by_name(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=str(path.name)):
        read_tasks(PoolFile(str(path)))


def test_a_file_that_is_not_there_is_refused_by_name():
    with pytest.raises(ValueError, match=r"nowhere\.csv cannot be read"):
        read_tasks(PoolFile("nowhere.csv"))


def test_a_pool_without_rates_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="--weak"):
        pool_setting(write(tmp_path / "p.csv", {"id": list(range(ROWS))}), 4, 8, 6)


@pytest.mark.integration
@pytest.mark.skipif(not ITEMS.exists(), reason="needs the real item file, which is not shipped")
def test_the_real_items_run_whole():
    source = PoolFile(
        str(ITEMS),
        weak=("model_04", "model_10", "model_06"),
        strong=("model_01", "model_03", "model_05"),
    )
    tasks = read_tasks(source)
    assert tasks.keys_N.size == 41_871
    assert len(set(tasks.domains_N)) == 11
    setting = pool_setting(source, 128, 16, 5)
    columns = run_cell(setting, "bots", 0).columns
    assert columns["pool"][0] == pytest.approx(tasks.references["weak"].mean(), abs=0.02)
    assert columns["informative"][1:].mean() > 0.6
