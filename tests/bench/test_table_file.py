"""Tables of any format, and files that are none."""

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from bench.table_file import excerpt, read_table
from tests.test_layout import ROOT

FIELD = Path(os.environ.get("BOTS_DATA", ROOT.parent / "shared" / "data")) / "field"
PLAIN = "id,weak,strong\na,0.1,0.5\nb,0.2,0.6\n"


def read(tmp_path: Path, name: str, content: str | bytes) -> pd.DataFrame:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"])
def test_the_separator_is_found(tmp_path, separator, start):
    table = read(tmp_path, "p.csv", start + PLAIN.replace(",", separator))
    assert list(table.columns) == ["id", "weak", "strong"]
    assert table["weak"].tolist() == ["0.1", "0.2"]


def test_quoted_entries_may_hold_separators_and_line_ends(tmp_path):
    table = read(tmp_path, "p.csv", '"id","a;b;c;d", weak\n"x, y","two\nlines", 0.5\n')
    assert list(table.columns) == ["id", "a;b;c;d", "weak"]
    assert table.iloc[0].tolist() == ["x, y", "two\nlines", "0.5"]


def test_a_single_column_is_a_table(tmp_path):
    assert read(tmp_path, "p.csv", "weak\n0.5\n")["weak"].tolist() == ["0.5"]


def test_gzip_is_found_by_its_content(tmp_path):
    assert len(read(tmp_path, "p.csv", gzip.compress(PLAIN.encode()))) == 2


def test_json_keeps_types_and_absent_keys_are_missing(tmp_path):
    table = read(tmp_path, "p.jsonl", '{"id": 7, "weak": 0.5}\n\n{"id": "007"}\n')
    assert table["id"].tolist() == [7, "007"]
    assert table["weak"].isna().tolist() == [False, True]


def test_the_index_of_a_saved_frame_is_a_column(tmp_path):
    path = tmp_path / "p.parquet"
    pd.DataFrame({"id": ["a", "b"], "weak": [0.1, 0.2]}).set_index("id").to_parquet(path)
    assert read_table(path)["id"].tolist() == ["a", "b"]


HUGE = "x" * 300_000


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("p.csv", b"", "is empty"),
        ("p.csv", b"\xef\xbb\xbf", "is empty"),
        ("p.csv.gz", b"", "is empty"),
        ("p.csv", "id,weak\n", "has no rows"),
        ("p.json", "[]", "has no rows"),
        ("p.csv", PLAIN.encode("utf-16"), "is UTF-16: save it as UTF-8"),
        ("p.csv", PLAIN.encode("utf-16-le"), "is UTF-16: save it as UTF-8"),
        ("p.csv", "id,weak\ncaf\xe9,0.1\n".encode("latin-1"), "line 2 has the byte 0xe9"),
        ("p.csv", "id,weak\na,0.1\nb,\0\n", "NUL byte in line 3"),
        ("p.xlsx", b"PK\x03\x04", "is a spreadsheet: save it as CSV"),
        ("p.csv", b"PK\x03\x04", "zip archive or a spreadsheet.* as CSV"),
        ("p.csv.gz", PLAIN, "is not gzipped"),
        ("p.csv.gz", gzip.compress(PLAIN.encode() * 50, mtime=0)[:60], "cut off or damaged"),
        ("p.csv", "id,weak\na,0,1\n", "3 entries in line 2, where the first line has 2"),
        ("p.csv", 'id,weak\n"a,0.1\nb,0.2\n', "double quote in line 2 and never closes"),
        ("p.csv", "id,weak, weak\na,0.1,0.2\n", "several columns named 'weak'"),
        ("p.jsonl", '{"id": 1}\n{"id":\n', "line 2 of .* is no JSON .*character"),
        ("p.jsonl", "[1, 2]\n", r"line 1 of .* is \[1, 2\]; it must be an object"),
        ("p.jsonl", '{"a": 1' + "0" * 5_000 + "}\n", "line 1 .*too many digits"),
        ("p.json", '{"id": 1}', "holds a JSON dict"),
        ("p.json", "[" * 100_000, "nested too deeply"),
        ("p.parquet", b"PAR1" + bytes(40), "cannot be read as Parquet"),
        ("p.txt", PLAIN, "must end in .csv"),
        ("p", PLAIN, "must end in .csv"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, name, content, says):
    with pytest.raises(ValueError, match=f"{name}.*{says}|{says}.*{name}|{says}") as caught:
        read(tmp_path, name, content)
    assert name in str(caught.value)
    assert "Errno" not in str(caught.value)


def test_huge_entries_are_read_and_shown_short(tmp_path):
    table = read(tmp_path, "p.csv", f"id,{HUGE}\n{HUGE},1\n")
    assert table["id"].tolist() == [HUGE]
    assert len(excerpt(HUGE)) < 100


def test_a_file_that_is_not_there_has_its_neighbour_suggested(tmp_path):
    (tmp_path / "counts.csv").write_text(PLAIN)
    with pytest.raises(ValueError, match=r"cuonts.csv cannot be read: .*did you mean .*counts.csv"):
        read_table(tmp_path / "cuonts.csv")
    with pytest.raises(ValueError, match=r"the folder .*no is not there"):
        read_table(tmp_path / "no" / "p.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match="it is a folder"):
        read_table(tmp_path / "folder.csv")


@pytest.mark.skipif(not FIELD.exists(), reason="needs files from the field, which are not shipped")
def test_files_from_the_field_are_read():
    good = read_table(FIELD / "logs" / "good.csv")
    for name in ("semicolon.csv", "bom.csv"):
        assert list(read_table(FIELD / "logs" / name).columns) == list(good.columns)
    refused = []
    for path in sorted((FIELD / "tasks").iterdir()):
        try:
            read_table(path)
        except ValueError:
            refused.append(path.name)
    assert refused == ["pretty.jsonl"]
