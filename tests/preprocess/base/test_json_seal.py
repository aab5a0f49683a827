"""The seal of a JSON file: changes are told, formatting and files made by hand are not."""

import json

import pytest

from preprocess.base.errors import InputError
from preprocess.base.files import read_json, write_json
from preprocess.base.json_seal import BrokenSealError, sealed, unsealed

CONTENT = {"b": [1, 2.5, "é\n"], "a": {"x": None, "y": float("inf")}}


def test_what_is_written_is_read_without_its_seal(tmp_path):
    write_json(tmp_path / "a.json", CONTENT)
    assert list(json.loads((tmp_path / "a.json").read_text())) == ["b", "a", "sha256"]
    assert read_json(tmp_path / "a.json", "") == CONTENT


def test_keys_and_tuples_are_sealed_as_they_are_read(tmp_path):
    write_json(tmp_path / "a.json", {10: (1, 2), 9: True})
    assert read_json(tmp_path / "a.json", "") == {"10": [1, 2], "9": True}


def test_a_changed_value_is_refused_and_the_line_says_what_to_do(tmp_path):
    write_json(tmp_path / "a.json", CONTENT)
    path = tmp_path / "a.json"
    path.write_text(path.read_text().replace("2.5", "2.6"))
    with pytest.raises(InputError, match=r"a\.json: .*changed by hand, .* taken out; make it so"):
        read_json(path, "make it so")


def test_a_changed_seal_is_refused():
    with pytest.raises(BrokenSealError, match="does not match"):
        unsealed({**sealed(CONTENT), "sha256": 7})


def test_a_seal_whose_name_is_damaged_is_refused():
    content = sealed(CONTENT)
    content["sha25v"] = content.pop("sha256")
    with pytest.raises(BrokenSealError, match="does not match"):
        unsealed(content)


def test_formatting_and_order_do_not_matter():
    content = sealed(CONTENT)
    assert unsealed({key: content[key] for key in sorted(content, reverse=True)}) == CONTENT


@pytest.mark.parametrize(
    "content", [[1, 2], "text", None, {"made": "by hand"}, {}, {"a": "f" * 64}]
)
def test_what_has_no_seal_is_read_as_it_is(tmp_path, content):
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert read_json(tmp_path / "a.json", "") == content
