"""Flickr30k as the hub, Kaggle and ALBEF hand it on."""

import csv
import json
from pathlib import Path

import pytest

from preprocess.base.errors import InputError
from preprocess.captions.annotations import read_karpathy
from preprocess.captions.caption_table import read_csv
from preprocess.captions.flickr_tables import (
    are_tokenised,
    other_sizes,
    read_albef,
    read_hub_table,
    with_captions_of,
)
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split
from preprocess.splits import main
from tests.conftest import assert_one_clear_line

# Photograph ids of Flickr: the last does not fit 32 bits.
PHOTOGRAPHS = {"train": ["1000092795", "2199200615"], "val": ["1018148011"], "test": ["8251604257"]}


def karpathy_json(folder: Path, photographs: dict[str, list[str]] = PHOTOGRAPHS) -> Path:
    """Karpathy's JSON of five captions an image, numbered as his: sentid = 5 imgid + n."""
    images = []
    for split, ids in photographs.items():
        for photograph in ids:
            imgid = len(images)
            sentences = [
                {"sentid": 5 * imgid + n, "raw": f"Caption {n} of {photograph}.", "imgid": imgid}
                for n in range(5)
            ]
            image = {"imgid": imgid, "filename": f"{photograph}.jpg", "split": split}
            images.append({**image, "sentences": sentences, "sentids": []})
    path = folder / "dataset_flickr30k.json"
    path.write_text(json.dumps({"dataset": "flickr30k", "images": images}))
    return path


def hub_csv(path: Path, splits: dict[str, Split], leave_out: tuple[str, ...] = ()) -> Path:
    """The hub's table of the same images: lists in JSON between a table's quotes."""
    columns = [c for c in ("raw", "sentids", "split", "filename", "img_id") if c not in leave_out]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for name, split in splits.items():
            for image in split.images:
                raw = json.dumps([caption.caption for caption in image.captions])
                ids = json.dumps([caption.caption_id for caption in image.captions])
                row = {"raw": raw, "sentids": ids, "split": name, "filename": image.file_name}
                writer.writerow({**row, "img_id": image.image_id})
    return path


def kaggle_csv(path: Path, splits: dict[str, Split], broken: str = "2199200615") -> Path:
    """Kaggle's table, tokenised, with the photographs of no split, and its broken line."""
    lines = ["image_name| comment_number| comment"]
    for split in splits.values():
        for image in split.images:
            for number, caption in enumerate(image.captions):
                text = caption.caption.replace(".", " .")
                separator = " " if (broken in image.file_name and number == 4) else "|"
                lines.append(f"{image.file_name}| {number}{separator} {text}")
    lines.append("36979.jpg| 0| A group of friends .")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_hubs_table_gives_karpathys_splits(tmp_path):
    splits = read_karpathy(karpathy_json(tmp_path)).splits
    found = read_hub_table(hub_csv(tmp_path / "hub.csv", splits), "flickr30k")
    assert found.odd == ()
    assert set(found.splits) == {"train", "val", "test"}
    for name, split in splits.items():
        assert found.splits[name].images == split.images
        assert found.splits[name].dataset == "flickr30k"


def test_the_hubs_table_without_ids_numbers_images_and_captions(tmp_path):
    splits = read_karpathy(karpathy_json(tmp_path)).splits
    path = hub_csv(tmp_path / "hub.csv", splits, leave_out=("sentids", "img_id"))
    found = read_hub_table(path, "flickr30k").splits
    assert found["train"].image_ids.tolist() == [1, 2]
    assert found["test"].image_ids.tolist() == [4]
    assert found["test"].caption_ids.tolist() == [16, 17, 18, 19, 20]


def test_the_hubs_table_without_its_column_split_is_refused_with_the_reason(tmp_path, run_main):
    splits = read_karpathy(karpathy_json(tmp_path)).splits
    path = hub_csv(tmp_path / "hub.csv", splits, leave_out=("split",))
    status = run_main(main, "--hub_csv", path, "--output_dir", tmp_path / "out")
    assert_one_clear_line(status, "hub.csv", "no column split", "is not Flickr30k 1K")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ('a.jpg,"[""a"", ""b""]",[1],test', "a.jpg has 2 captions and 1 sentids"),
        ("a.jpg,a dog,[1],test", "captions of a.jpg: expected a list in JSON, found 'a dog'"),
        ("a.jpg,5,[1],test", "expected a list in JSON, found '5'"),
        ('a.jpg,"[""""]",[1],test', "expected at least one image"),
    ],
)
def test_a_row_of_the_hubs_table_that_is_none_is_one_line(tmp_path, run_main, row, line):
    (tmp_path / "hub.csv").write_text(f"filename,raw,sentids,split\n{row}\n")
    status = run_main(main, "--hub_csv", tmp_path / "hub.csv", "--output_dir", tmp_path)
    assert_one_clear_line(status, "hub.csv", line)


def test_the_hubs_table_passed_as_a_table_of_captions_is_told_apart(tmp_path, run_main):
    path = hub_csv(tmp_path / "hub.csv", read_karpathy(karpathy_json(tmp_path)).splits)
    options = ["--captions_csv", path, "--split", "test", "--output_dir", tmp_path]
    assert_one_clear_line(run_main(main, *options), "hub.csv", "pass it as --hub_csv")


def test_kaggles_captions_are_put_into_karpathys_splits(tmp_path, run_main, capsys):
    json_file = karpathy_json(tmp_path)
    splits = read_karpathy(json_file).splits
    table = kaggle_csv(tmp_path / "results.csv", splits)
    options = ["--captions_csv", table, "--karpathy_json", json_file, "--output_dir", tmp_path]
    assert run_main(main, *options) == 0
    told = capsys.readouterr().err
    assert "line 11 has 2 of 3 columns: '|' is put in" in told
    assert "1 images of results.csv are in no split of Karpathy's" in told
    assert "Karpathy's Flickr30k: test's captions are tokenised" in told
    for name, split in splits.items():
        found = read_split(tmp_path / f"{name}.json")
        assert found.dataset == "flickr30k"
        assert found.image_ids.tolist() == split.image_ids.tolist()
        assert found.captions == tuple(text.replace(".", " .") for text in split.captions)
        assert found.source == "results.csv, splits of dataset_flickr30k.json"
    assert (tmp_path / "minival.json").exists()


def test_an_image_that_the_table_lacks_is_left_out_and_a_table_of_others_is_refused(tmp_path):
    karpathy = read_karpathy(karpathy_json(tmp_path))
    (tmp_path / "part.csv").write_text(
        "image,caption\n"
        + "".join(f"x/{i}.jpg,a\n" for i in ("1000092795", "1018148011", "8251604257"))
    )
    table = read_csv(tmp_path / "part.csv", "all", "mine").splits["all"]
    found = with_captions_of(table, karpathy)
    assert [image.file_name for image in found.splits["train"].images] == ["1000092795.jpg"]
    assert found.odd == ("2199200615.jpg of train has no caption in part.csv",)
    other = Split("d", "all", "other.csv", (CaptionedImage(1, "a.jpg", (Caption(1, "a"),)),))
    with pytest.raises(InputError, match=r"other\.csv: has none of the 2 images of train"):
        with_captions_of(other, karpathy)


def test_albefs_files_have_the_photographs_ids(tmp_path):
    test = [
        {"image": f"flickr30k-images/{i}.jpg", "caption": [f"{n} of {i}" for n in range(5)]}
        for i in ("1007129816", "8251604257")
    ]
    (tmp_path / "flickr30k_test.json").write_text(json.dumps(test))
    split = read_albef(tmp_path / "flickr30k_test.json", "test", "flickr30k").splits["test"]
    assert split.image_ids.tolist() == [1007129816, 8251604257]
    assert split.images[1].file_name == "flickr30k-images/8251604257.jpg"
    assert split.caption_image_index.tolist() == [0] * 5 + [1] * 5
    assert split.caption_ids.tolist() == list(range(1, 11))


def test_albefs_entries_of_one_caption_share_their_image_whatever_they_are_numbered(tmp_path):
    # The trap: a running number for each caption makes five pictures of one.
    train = [
        {"image": f"flickr30k-images/{i}.jpg", "caption": f"{n} of {i}", "image_id": f"f_{n}{i}"}
        for n in range(5)
        for i in ("1000092795", "10002456")
    ]
    (tmp_path / "train.json").write_text(json.dumps(train))
    split = read_albef(tmp_path / "train.json", "train", "flickr30k").splits["train"]
    assert split.image_ids.tolist() == [1000092795, 10002456]
    assert split.captions[:5] == tuple(f"{n} of 1000092795" for n in range(5))
    assert split.caption_ids.tolist() == [1, 3, 5, 7, 9, 2, 4, 6, 8, 10]


def test_albefs_images_without_a_number_are_numbered_and_keep_their_names(tmp_path):
    entries = [
        {"image": "a/cat.jpg", "caption": "a"},
        {"image": "a/COCO_val2014_000000000042.jpg", "caption": "b"},
    ]
    (tmp_path / "x.json").write_text(json.dumps(entries))
    images = read_albef(tmp_path / "x.json", "test", "mine").splits["test"].images
    assert [(i.image_id, i.source_id) for i in images] == [
        (1, "a/cat.jpg"),
        (2, "a/COCO_val2014_000000000042.jpg"),
    ]
    (tmp_path / "x.json").write_text(json.dumps(entries[1:]))
    assert read_albef(tmp_path / "x.json", "test", "coco").splits["test"].image_ids.tolist() == [42]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"images": []}, "not ALBEF's JSON (no list of entries)"),
        ([{"image": "a.jpg"}], "not ALBEF's JSON of captions (KeyError('caption'))"),
        ([], "expected at least one image"),
        ([{"image": f"{i}/7.jpg", "caption": "a"} for i in "ab"], "image id 7 occurs 2 times"),
    ],
)
def test_a_json_that_is_not_albefs_is_one_line(tmp_path, run_main, content, line):
    (tmp_path / "x.json").write_text(json.dumps(content))
    options = ["--albef_json", tmp_path / "x.json", "--output_dir", tmp_path / "out"]
    assert_one_clear_line(run_main(main, *options, "--split", "test"), "x.json", line)
    assert_one_clear_line(run_main(main, *options), "pass --split NAME")
    assert not (tmp_path / "out").exists()


def test_splits_of_other_sizes_than_karpathys_are_told(tmp_path, run_main, capsys):
    path = karpathy_json(tmp_path)
    content = json.loads(path.read_text())
    content["images"][0]["sentences"].pop()
    path.write_text(json.dumps(content))
    assert run_main(main, "--karpathy_json", path, "--output_dir", tmp_path) == 0
    told = capsys.readouterr().err.splitlines()
    start = "warning: not Karpathy's Flickr30k: "
    assert f"{start}train has 2 images, Karpathy's train 29,000" in told
    assert f"{start}1 of the 2 images of train have not five captions" in told
    assert not any("minival" in line for line in told)
    assert not any("tokenised" in line for line in told)
    splits = read_karpathy(path).splits
    assert other_sizes({"test": Split("coco", "test", "s", splits["test"].images)}) == []


@pytest.mark.parametrize(
    ("captions", "tokenised"),
    [(["A dog ."], True), (["A dog.", "A dog .", "A dog . "], True), (["A dog .", "A"], False)],
)
def test_captions_are_tokenised_where_most_end_in_a_space_and_a_full_stop(captions, tokenised):
    assert are_tokenised(captions) == tokenised


def test_the_real_test_split_comes_back_from_every_form(shared_data, tmp_path):
    real = read_split(shared_data / "flickr30k" / "test.json")
    assert (len(real.images), len(real.captions)) == (1000, 5000)
    assert other_sizes({"test": real}) == []
    hub = read_hub_table(hub_csv(tmp_path / "hub.csv", {"test": real}), "flickr30k").splits["test"]
    assert hub.images == real.images
    albef = [
        {"image": f"flickr30k-images/{i.file_name}", "caption": [c.caption for c in i.captions]}
        for i in real.images
    ]
    (tmp_path / "albef.json").write_text(json.dumps(albef))
    found = read_albef(tmp_path / "albef.json", "test", "flickr30k").splits["test"]
    assert found.image_ids.tolist() == real.image_ids.tolist()
    assert found.captions == real.captions
    assert found.image_ids.max() > 2**32
    table = read_csv(
        kaggle_csv(tmp_path / "k.csv", {"test": real}, "101362133"), "all", "flickr30k"
    )
    assert len(table.odd) == 1
    assert len(table.splits["all"].captions) == 5001
    assert sorted(real.captions).count("Young men playing football.") == 2
