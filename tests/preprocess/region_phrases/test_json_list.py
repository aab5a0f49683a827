"""Long JSON lists, a member at a time."""

import json

import pytest

from preprocess.base.errors import InputError
from preprocess.region_phrases import json_list
from preprocess.region_phrases.json_list import list_members

MEMBERS = [
    {"id": 1, "regions": [{"phrase": 'a "] } , [" in it', "x": -1.5e3}]},
    {},
    {"id": 2, "text": "café \\ 𝄞", "more": [[], {"a": None}]},
]


def read(path):
    return list(list_members(path, "made by a test"))


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, 10_000])
@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"separators": (",", ":")}])
@pytest.mark.parametrize("is_ascii", [True, False])
def test_the_members_are_those_of_json_load(tmp_path, monkeypatch, chunk, style, is_ascii):
    # A fault is looked for near the end of what was read: not with chunks shorter than a member.
    monkeypatch.setattr(json_list, "CHUNK", max(chunk, 200))
    path = tmp_path / "a.json"
    path.write_text(" " + json.dumps(MEMBERS * 5, ensure_ascii=is_ascii, **style) + "\n", "utf-8")
    assert read(path) == MEMBERS * 5
    path.write_text("[]")
    assert read(path) == []


def test_every_cut_is_noticed(tmp_path):
    whole = json.dumps(MEMBERS)
    for end in range(len(whole)):
        (tmp_path / "a.json").write_text(whole[:end])
        with pytest.raises(InputError, match="made by a test") as error:
            read(tmp_path / "a.json")
        assert "\n" not in str(error.value)


def test_a_fault_far_from_the_end_is_told_before_all_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(json_list, "CHUNK", 100)
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1}, {"id" 2}, ' + '{"id": 3}, ' * 1000 + "{}]")
    members = list_members(path, "")
    assert next(members) == {"id": 1}
    with pytest.raises(InputError, match=r"not JSON, or cut .*near '\{\"id\" 2\}"):
        next(members)


@pytest.mark.parametrize("content", ["", "{}", "12", "version https://"])
def test_what_is_no_list_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json: "):
        read(tmp_path / "a.json")


def test_other_encodings_and_no_file_are_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b'[{"a": "\xff"}]')
    with pytest.raises(InputError, match="UTF-8"):
        read(tmp_path / "a.json")
