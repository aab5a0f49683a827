"""VizWiz-Captions becomes splits: what is marked is left out, counted and told."""

import hashlib
import json
import warnings
from pathlib import Path

import pytest

from preprocess import encode_images, write_images
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions import vizwiz
from preprocess.captions.split_file import read_split
from preprocess.captions.text_detected import read_text_detected
from preprocess.captions.vizwiz import hold_out, read_vizwiz, says_precanned, vizwiz_images
from preprocess.splits import main
from preprocess.storage.encodings_file import EncodingsFile
from tests.conftest import assert_one_clear_line, make_split
from tests.preprocess.captions.small_vizwiz import PRECANNED, vizwiz_content, write_vizwiz

DEMO_CLIP = Path(__file__).resolve().parents[3] / "demo" / "models" / "clip"
SPAM = {"caption": "imagine how you would describe this image", "is_rejected": True}
VAL = [
    ["A mug.", PRECANNED, SPAM, "a blue  mug", " A mug on a desk.\r\n"],
    [PRECANNED, {"caption": PRECANNED, "is_rejected": True}, SPAM, PRECANNED, PRECANNED],
    [
        "DO\r\nNOT\u2028PANIC",
        {"caption": "quality issues are too severe to recognize visual content"},
    ],
    ["A can."],
]


@pytest.fixture(autouse=True)
def _of_any_size(monkeypatch):
    """The small files are no other version of the real ones."""
    monkeypatch.setattr(vizwiz, "PUBLISHED", {})


def read(*paths, minival_size=1):
    return read_vizwiz(paths, minival_size)


@pytest.fixture
def val(tmp_path):
    return write_vizwiz(tmp_path / "val.json", "val", VAL)


def test_marked_captions_are_left_out_and_images_without_another_too(val):
    split = read(val).splits["val"]
    assert (split.dataset, split.split) == ("vizwiz", "val")
    assert split.image_ids.tolist() == [23431, 23433, 23434]
    assert split.captions == ("A mug.", "a blue mug", "A mug on a desk.", "DO NOT PANIC", "A can.")
    assert split.caption_ids.tolist() == [117155, 117158, 117159, 117165, 117170]
    assert split.images[1].file_name == "val/VizWiz_val_00000002.jpg"


def test_what_is_left_out_is_counted_and_told(val):
    assert read(val).told == (
        "val.json: 13 captions of 4 images; left out: 3 rejected, 5 precanned (of these both: 1)",
        "val.json: left out, too: 1 that say the precanned sentence and are not marked so (the "
        "official evaluation keeps them)",
        "val.json: white space cleaned in 3 captions, of which 1 had a line break of some kind",
        "val.json: 1 images have no caption left, and are left out: 23432",
    )


def test_the_hash_of_the_file_stands_in_the_source(val):
    sha256 = hashlib.sha256(val.read_bytes()).hexdigest()
    assert read(val).splits["val"].source.startswith(f"val.json sha256:{sha256}, without rejected")


def test_of_many_images_without_a_caption_the_first_are_named(tmp_path):
    path = write_vizwiz(tmp_path / "val.json", "val", [["A mug."], *[[PRECANNED]] * 7, []])
    assert (
        read(path)
        .told[-1]
        .endswith(
            "8 images have no caption left, and are left out: "
            "23432, 23433, 23434, 23435, 23436, ..."
        )
    )


def test_the_precanned_sentence_is_known_with_any_signs_and_with_an_addition_it_is_another():
    assert says_precanned(PRECANNED)
    assert says_precanned(f'"{PRECANNED.upper()}" ')
    assert not says_precanned(PRECANNED[:-1] + ", it's completely black.")


def test_a_mark_that_is_missing_is_told_and_one_that_is_none_refused(tmp_path):
    content = vizwiz_content("val", [["A mug.", "A cup."]])
    del content["annotations"][0]["is_precanned"]
    path = tmp_path / "val.json"
    path.write_text(json.dumps(content))
    found = read(path)
    assert len(found.splits["val"].captions) == 2
    assert "val.json: 1 captions have no is_precanned, and are kept" in found.told
    content["annotations"][1]["is_rejected"] = "no"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="caption 117156: expected is_rejected true or false, fou"):
        read(path)


def test_odd_captions_are_worked_around_and_named(tmp_path):
    captions = [["a \ud83d cat", {"caption": None}, " "], ["\ud83d"]]
    found = read(write_vizwiz(tmp_path / "val.json", "val", captions))
    assert found.splits["val"].captions == ("a  cat",)
    assert "val.json: left out, too: 2 captions without text" in found.told
    assert found.odd[0].startswith("caption 117155 of image 23431 had half of a character")
    assert found.odd[-1] == "image 23432 has no caption"


def test_minival_is_the_start_of_train_which_is_no_longer_trains(tmp_path, val):
    train = write_vizwiz(tmp_path / "train.json", "train", [[f"cup {i}"] for i in range(5)])
    splits = read(val, train, minival_size=2).splits
    assert splits["minival"].image_ids.tolist() == [0, 1]
    assert splits["train"].image_ids.tolist() == [2, 3, 4]
    assert splits["minival"].source.endswith(": its first 2 images")
    assert splits["train"].source.endswith(": without its first 2 images, which are minival")
    assert splits["minival"].images[0].file_name == "train/VizWiz_train_00000000.jpg"
    assert "minival" not in read(val).splits
    with pytest.raises(InputError, match="--minival_size: expected fewer than the 5 images of tr"):
        read(train, minival_size=5)


def test_what_is_held_out_and_what_is_left_are_the_whole():
    split = make_split(7)
    minival, rest = hold_out(split, 3)
    assert minival.images + rest.images == split.images
    assert (minival.split, rest.split) == ("minival", "train")


def test_ids_that_are_in_two_files_are_refused(tmp_path, val):
    content = vizwiz_content("train", [["a"], ["b"]])
    content["images"][1]["id"] = content["annotations"][1]["image_id"] = 23434
    path = tmp_path / "train.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"train\.json: image 23434 is in val\.json, too"):
        read(val, path)
    with pytest.raises(InputError, match=r"val\.json: is of the split val, as val\.json is"):
        read(val, val)


def test_test_has_no_captions_and_that_is_explained(tmp_path):
    path = write_vizwiz(tmp_path / "test.json", "test", [[], []])
    with pytest.raises(InputError, match=r"test\.json: has no captions: .*withheld.* pass train"):
        read(path)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("COCO_val2014_000000000042.jpg", "named such as VizWiz_val_00000000.jpg, found 'COCO_val"),
        ("VizWiz_train_00000001.jpg", "images of one split, .* found those of train, val"),
    ],
)
def test_another_data_set_or_mixed_splits_are_refused(tmp_path, name, line):
    content = vizwiz_content("val", [["a"], ["b"]])
    content["images"][1]["file_name"] = name
    (tmp_path / "v.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=line):
        read(tmp_path / "v.json")


@pytest.mark.parametrize(
    "content", ["[]", '{"annotations": []}', '{"images": [], "annotations": 3}']
)
def test_a_file_of_something_else_is_one_line(tmp_path, run_main, content):
    (tmp_path / "v.json").write_text(content)
    status = run_main(
        main, "--vizwiz_captions", tmp_path / "v.json", "--output_dir", tmp_path / "o"
    )
    assert_one_clear_line(status, "v.json")
    assert not (tmp_path / "o").exists()


def test_another_version_of_the_annotations_is_warned_of(val, monkeypatch):
    monkeypatch.setattr(vizwiz, "PUBLISHED", {"val": (4, 13, 6)})
    with warnings.catch_warnings():
        warnings.simplefilter("error", InputWarning)
        read(val)
    monkeypatch.setattr(vizwiz, "PUBLISHED", {"val": (4, 13, 7)})
    with pytest.warns(InputWarning, match=r"val\.json: expected 4 images, 13 captions, 7 of them"):
        read(val)


def test_all_images_of_a_file_are_listed_below_their_folder(val):
    assert vizwiz_images(val)[:2] == ["val/VizWiz_val_00000000.jpg", "val/VizWiz_val_00000001.jpg"]
    assert len(vizwiz_images(val)) == 4


def test_the_command_writes_splits_and_beside_each_which_images_show_text(
    tmp_path, val, run_main, capsys
):
    train = write_vizwiz(tmp_path / "train.json", "train", [[f"cup {i}"] for i in range(5)])
    options = ("--output_dir", tmp_path / "out", "--minival_size", 2)
    assert run_main(main, "--vizwiz_captions", train, val, *options) == 0
    shown = capsys.readouterr().out
    assert "val.json: 13 captions of 4 images; left out: 3 rejected, 5 precanned" in shown
    assert f"wrote {tmp_path / 'out' / 'minival.json'}: 2 images, 2 captions" in shown
    names = ("train", "val", "minival")
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {f"{name}{end}.json" for name in names for end in ("", "_text_detected")}
    for name in names:
        read_split(tmp_path / "out" / f"{name}.json")
    shows_text = read_text_detected(tmp_path / "out" / "val_text_detected.json")
    assert shows_text == {23431: True, 23433: True, 23434: False}


@pytest.fixture
def real(shared_data):
    """Real images of val and captions, beside the project; skips where they are absent."""
    if not (shared_data / "vizwiz").is_dir():
        pytest.skip("needs the real data in ../shared/data/vizwiz, which are not here")
    return shared_data / "vizwiz"


def test_the_real_images_are_found_by_their_names_and_encoded(real, tmp_path, run_main):
    first = json.loads((real / "first_captions_val.json").read_text("utf-8"))
    there = {23431 + int(path.stem.rpartition("_")[2]) for path in (real / "val").iterdir()}
    texts = [[entry["caption"]] * (entry["image_id"] in there) for entry in first]
    annotations = write_vizwiz(tmp_path / "val.json", "val", texts)
    assert run_main(main, "--vizwiz_captions", annotations, "--output_dir", tmp_path / "out") == 0
    split_file, images = tmp_path / "out" / "val.json", tmp_path / "images.h5"
    given = ("--split_file", split_file, "--image_root", real, "--output", images)
    assert run_main(write_images.main, *given) == 0
    ids = read_split(split_file).image_ids
    assert set(ids.tolist()) <= there
    given = ("--encoder", DEMO_CLIP, "--kind", "tokens", "--images", images, "--num_workers", 0)
    assert run_main(encode_images.main, *given, "--output", tmp_path / "tokens.h5") == 0
    tokens = EncodingsFile(tmp_path / "tokens.h5")
    assert tokens.image_ids.tolist() == ids.tolist()
    assert tokens.shape == (50, 160)


def test_the_first_captions_of_the_real_val_are_read_with_their_oddities(real, tmp_path):
    first = json.loads((real / "first_captions_val.json").read_text("utf-8"))
    texts = [[entry["caption"]] for entry in first]
    found = read(write_vizwiz(tmp_path / "val.json", "val", texts))
    # One of the 1,120 has no full stop, and so no mark here.
    assert found.told[0].endswith("left out: 0 rejected, 1,119 precanned (of these both: 0)")
    assert found.told[1].startswith("val.json: left out, too: 1 that say the precanned sentence")
    assert found.told[2].endswith(
        "cleaned in 175 captions, of which 2 had a line break of some kind"
    )
    split = found.splits["val"]
    assert len(split.images) == 7750 - 1120
    assert not any(caption.splitlines()[1:] for caption in split.captions)
    named = {image.image_id: image.file_name for image in split.images}
    for path in (real / "val").iterdir():
        image_id = 23431 + int(path.stem.rpartition("_")[2])
        assert named.get(image_id, f"val/{path.name}") == f"val/{path.name}"
