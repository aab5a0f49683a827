"""Files of judgements: what is written is read, whatever a spreadsheet did to it in between."""

import hashlib
import json
import struct
from dataclasses import replace

import pytest

from error_analysis.judging.judgements import gallery_sha256, read_judgements, write_judgements
from preprocess.base.errors import InputError, InputWarning
from tests.error_analysis.judging.judged import HEAD, caption, file_of, image, write_csv
from tests.error_analysis.scored import make_split

NOTE = 'two "quotes", a ; and\nÜmlaut \r\n=1+1'
FILE = file_of(
    "Anna",
    caption(5003, "typo", "Long modifier", image=103, note=NOTE),
    image(103, "none"),
    caption(5004, note="not sure"),
    tags=("typo", "never given"),
)
ROW = "t2i-5003,t2i,103,5003,a caption,typo,"


def test_what_is_written_as_json_is_read_again_and_has_no_seal(tmp_path):
    path = tmp_path / "anna.json"
    write_judgements(path, FILE)
    assert read_judgements(path) == FILE
    content = json.loads(path.read_text("utf-8"))
    assert content["made_by"] == "error_analysis.report"
    assert "sha256" not in content
    assert content["judgements"][1] == {
        "query": "i2t-103",
        "direction": "i2t",
        "image_id": 103,
        "caption_id": None,
        "text": "103.jpg",
        "tags": ["none"],
        "note": "",
    }


def test_what_is_written_as_csv_is_read_again_but_for_what_it_cannot_tell(tmp_path):
    path = tmp_path / "Anna.csv"
    write_judgements(path, FILE)
    told = replace(FILE, gallery_sha256=None, dataset=None, split=None)
    assert read_judgements(path) == replace(told, tags=("typo", "Long modifier"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf" + HEAD.encode() + b"\r\n")


def test_another_ending_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(InputError, match=r"a\.txt: expected a name that ends in \.json or \.csv"):
        write_judgements(tmp_path / "a.txt", FILE)
    assert not list(tmp_path.iterdir())


def test_the_gallery_s_hash_is_of_its_ids_in_their_order():
    split = make_split([2, 1])
    expected = hashlib.sha256(struct.pack("<5q", 100, 101, 5000, 5001, 5002)).hexdigest()
    assert gallery_sha256(split) == expected
    assert gallery_sha256(replace(split, images=split.images[::-1])) != expected


def test_the_name_that_the_report_gives_a_csv_names_its_judge(tmp_path):
    assert read_judgements(write_csv(tmp_path / "judgements_Ben.csv", ROW)).judge == "Ben"
    assert read_judgements(write_csv(tmp_path / "Ben K.csv", ROW)).judge == "Ben K"


@pytest.mark.parametrize(
    "content",
    [
        f"{HEAD}\n{ROW}\n".encode("utf-8-sig"),
        f"{HEAD}\r\n\r\n{ROW}\r\n,,,,,,\r\n".encode(),
        f"{HEAD}\n{ROW}\n".replace(",", ";").encode(),
        f"{HEAD}\n{ROW}\n".replace(",", "\t").encode("utf-16"),
        f"\n{HEAD},mine\n{ROW},x\n".encode(),
        f'{HEAD}\n"t2i-5003","t2i","103","5003","a caption"," typo ",""\n'.encode(),
        b"Tags , text,caption_id,IMAGE_ID,direction,query\ntypo,a caption,5003,103,t2i,t2i-5003\n",
        f"{HEAD}\nt2i-5003,t2i,103.0,5003.0,a caption,typo;;TYPO,\n".encode(),
    ],
    ids=["bom", "blank", "semicolons", "tabs", "more", "quoted", "reordered", "floats"],
)
def test_a_spreadsheet_s_csv_is_read(tmp_path, content):
    (tmp_path / "ben.csv").write_bytes(content)
    [judgement] = read_judgements(tmp_path / "ben.csv").judgements
    assert judgement == replace(caption(5003, "typo", image=103), text="a caption")


def test_tags_are_parted_by_semicolons_between_semicolons_too(tmp_path):
    row = 't2i-5003;t2i;103;5003;"a; b";"typo; Long  modifier";'
    path = write_csv(tmp_path / "ben.csv", row, head=HEAD.replace(",", ";"), end="\r\n")
    [judgement] = read_judgements(path).judgements
    assert (judgement.text, judgement.tags) == ("a; b", ("typo", "Long modifier"))


def test_the_last_judgement_of_a_query_counts_and_a_warning_says_of_which(tmp_path):
    path = write_csv(tmp_path / "b.csv", ROW, "i2t-103,i2t,103,,,none,", ROW.replace("typo", "odd"))
    with pytest.warns(InputWarning, match=r"b\.csv: 1 queries are there .*last .*: t2i-5003$"):
        found = read_judgements(path)
    assert [one.tags for one in found.judgements] == [("none",), ("odd",)]


def test_none_beside_other_tags_is_left_out_with_a_warning(tmp_path):
    path = write_csv(tmp_path / "b.csv", ROW.replace("typo", "None;typo"))
    with pytest.warns(InputWarning, match='1 queries have "none" beside other tags.*: t2i-5003$'):
        [judgement] = read_judgements(path).judgements
    assert judgement.tags == ("typo",)


def test_a_json_edited_by_hand_may_lack_what_is_not_needed(tmp_path):
    entry = {"query": "i2t-3", "direction": "i2t", "image_id": 3, "caption_id": None, "tags": []}
    (tmp_path / "anna.json").write_text(json.dumps({"judge": " ", "judgements": [entry]}))
    found = read_judgements(tmp_path / "anna.json")
    assert (found.judge, found.gallery_sha256, found.tags) == ("anna", None, ())
    assert found.judgements[0].note == ""


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            ["query,tags", "t2i-1,typo"],
            "expected .* query,direction,.*, found 'query,tags'; export",
        ),
        ([], "expected a line with the columns query,.*, found ''"),
        ([HEAD + ",tags", ROW], "expected one column tags, found more"),
        ([HEAD, ROW, "t2i-5004,t2i"], "line 3: expected 7 cells, found 2: it is cut off"),
        ([HEAD, ROW + ",,and more"], "line 2: expected 7 cells, found 9; put quotes"),
        ([HEAD, 't2i-5003,t2i,103,5003,"a caption,typo,'], "line 2: expected cells quoted"),
        ([HEAD, ROW.replace("5003,a", "5E+03,a")], "line 2: caption_id: expected an integer"),
        ([HEAD, ROW.replace("5003,a", "5004,a")], "line 2: query: expected t2i-5004, found"),
        ([HEAD, ROW.replace("t2i,", "i2t,")], "line 2: caption_id: found 5003 of a query i2t"),
    ],
)
def test_a_damaged_csv_is_one_line_that_says_where(tmp_path, rows, told):
    (tmp_path / "ben.csv").write_text("\n".join(rows))
    with pytest.raises(InputError, match=rf"ben\.csv: {told}") as raised:
        read_judgements(tmp_path / "ben.csv")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("member", "value", "told"),
    [
        ("judgements", None, "not a file of judgements"),
        ("judgements", ["typo"], "judgement 1: expected an object, found 'typo'"),
        ("judge", 3, "judge: expected a text, found 3"),
        ("gallery_sha256", "abc", "gallery_sha256: expected 64 digits, found 'abc'"),
        ("tags", "typo", "tags: expected a list of texts, found 'typo'"),
    ],
)
def test_a_damaged_json_is_one_line_that_says_what(tmp_path, member, value, told):
    path = tmp_path / "anna.json"
    write_judgements(path, FILE)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {member: value}))
    with pytest.raises(InputError, match=rf"anna\.json: .*{told}.*export it from the report"):
        read_judgements(path)


@pytest.mark.parametrize(
    ("member", "value", "told"),
    [
        ("tags", ["a;b"], "judgement 1: tags: expected none with ';', found 'a;b'"),
        ("tags", "typo", "judgement 1: tags: expected a list of texts"),
        ("image_id", "x", "judgement 1: image_id: expected an integer"),
        ("direction", None, "judgement 1: direction: expected i2t or t2i, found None"),
        ("note", 7, "judgement 1: note: expected a text, found 7"),
    ],
)
def test_a_damaged_judgement_is_named(tmp_path, member, value, told):
    path = tmp_path / "anna.json"
    write_judgements(path, FILE)
    content = json.loads(path.read_text("utf-8"))
    content["judgements"][0][member] = value
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"anna\.json: {told}"):
        read_judgements(path)
    del content["judgements"][0][member]
    path.write_text(json.dumps(content))
    if member != "note":
        with pytest.raises(InputError, match=f"judgement 1: found no member '{member}'"):
            read_judgements(path)


@pytest.mark.parametrize("name", ["none.json", "none.csv"])
def test_a_missing_file_says_where_one_comes_from(tmp_path, name):
    with pytest.raises(InputError, match=rf"{name}: no such file; export it from the report"):
        read_judgements(tmp_path / name)


def test_what_is_neither_json_nor_utf_8_is_told(tmp_path):
    (tmp_path / "a.json").write_text('{"judgements": [')
    with pytest.raises(InputError, match=r"a\.json: expected JSON"):
        read_judgements(tmp_path / "a.json")
    (tmp_path / "a.csv").write_bytes(f"{HEAD}\n{ROW}Maß".encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.csv: expected a text in UTF-8 .* as CSV in UTF-8"):
        read_judgements(tmp_path / "a.csv")
