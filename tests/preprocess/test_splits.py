"""Split files from Karpathy's, COCO's and Oscar's annotations."""

import json
from pathlib import Path

import pytest
import torch

from preprocess.base.errors import InputError
from preprocess.captions.annotations import read_coco_captions, read_karpathy, read_oscar
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split, write_split
from preprocess.splits import main
from tests.conftest import assert_one_clear_line, make_split


def karpathy_image(image_id: int, split: str, n_captions: int = 2) -> dict:
    sentences = [
        {"sentid": 10 * image_id + i, "raw": f"caption {i} of {image_id}", "tokens": []}
        for i in range(n_captions)
    ]
    folder = "train2014" if split == "train" else "val2014"
    return {
        "filepath": folder,
        "filename": f"{image_id}.jpg",
        "cocoid": image_id,
        "imgid": 0,
        "split": split,
        "sentences": sentences,
    }


def write_karpathy(path: Path, images: list[dict]) -> Path:
    path.write_text(json.dumps({"dataset": "coco", "images": images}))
    return path


def test_captions_without_text_and_images_without_captions_are_left_out_and_named(tmp_path):
    images = [karpathy_image(i, "test", 3) for i in (1, 2, 3)]
    images[0]["sentences"][1]["raw"] = " \n"
    for sentence in images[1]["sentences"]:
        sentence["raw"] = None
    images[2]["sentences"][0]["raw"] = "a cat \ud83d"
    found = read_karpathy(write_karpathy(tmp_path / "k.json", images))
    assert found.splits["test"].image_ids.tolist() == [1, 3]
    assert found.splits["test"].caption_ids.tolist() == [10, 12, 30, 31, 32]
    assert found.splits["test"].captions[2] == "a cat "
    assert found.odd == (
        "caption 11 of image 1 has no text",
        *(f"caption {i} of image 2 has no text" for i in (20, 21, 22)),
        "image 2 has no caption",
        "caption 30 of image 3 had half of a character, which is taken out",
    )


def test_odd_entries_of_coco_and_oscar_are_left_out_too(tmp_path, run_main, capsys):
    content = {
        "images": [{"id": "7", "file_name": "7.jpg"}, {"id": 8, "file_name": "8.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 7, "caption": "a"},
            {"id": 2.0, "image_id": "7", "caption": ""},
        ],
    }
    (tmp_path / "captions_x.json").write_text(json.dumps(content), "utf-8-sig")
    arguments = ["--coco_captions", tmp_path / "captions_x.json", "--split", "val"]
    assert run_main(main, *arguments, "--output_dir", tmp_path) == 0
    line = "warning: 2 odd entries: caption 2 of image 7 has no text; image 8 has no caption"
    assert line in capsys.readouterr().err
    assert read_split(tmp_path / "val.json").images == (image_of(7, (1, "a"), file_name="x/7.jpg"),)
    torch.save({1: ["a", ""], 2: [""]}, tmp_path / "test_captions.pt")
    (tmp_path / "keys.tsv").write_text("1\n2\n", "utf-8-sig")
    oscar = read_oscar(tmp_path / "test_captions.pt", tmp_path / "keys.tsv", "test", str)
    assert oscar.splits["test"].caption_ids.tolist() == [0]
    assert len(oscar.odd) == 3


def test_ids_that_are_text_are_the_integers_that_they_name(tmp_path):
    image = karpathy_image(12, "test") | {"cocoid": "000000000012"}
    image["sentences"][0]["sentid"] = "120"
    split = read_karpathy(write_karpathy(tmp_path / "k.json", [image])).splits["test"]
    assert split.image_ids.tolist() == [12]
    assert split.caption_ids.tolist() == [120, 121]


def test_a_minival_that_the_file_has_is_kept(tmp_path, run_main):
    images = [karpathy_image(i, name) for i, name in enumerate(["minival", "val", "minival"], 1)]
    path = write_karpathy(tmp_path / "k.json", images)
    arguments = ["--karpathy_json", path, "--output_dir", tmp_path / "out"]
    assert run_main(main, *arguments) == 0
    assert read_split(tmp_path / "out" / "minival.json").image_ids.tolist() == [1, 3]
    status = run_main(main, *arguments, "--minival_size", 1)
    assert_one_clear_line(status, "--minival_size", "a split minival of its own (2 images)")


def test_restval_images_belong_to_train_in_the_order_of_the_file(tmp_path):
    names = ["train", "restval", "val", "test", "train"]
    images = [karpathy_image(7 - i, name) for i, name in enumerate(names)]
    splits = read_karpathy(write_karpathy(tmp_path / "k.json", images)).splits
    assert set(splits) == {"train", "val", "test"}
    assert splits["train"].image_ids.tolist() == [7, 6, 3]
    assert splits["train"].images[1].file_name == "val2014/6.jpg"
    assert splits["train"].caption_ids.tolist() == [70, 71, 60, 61, 30, 31]
    assert splits["train"].caption_image_index.tolist() == [0, 0, 1, 1, 2, 2]


def test_the_command_writes_four_splits_and_minival_is_the_start_of_val(tmp_path, run_main):
    names = ["train", "val", "val", "val", "test"]
    path = write_karpathy(
        tmp_path / "k.json", [karpathy_image(i + 1, name) for i, name in enumerate(names)]
    )
    out = tmp_path / "out"
    assert run_main(main, "--karpathy_json", path, "--output_dir", out, "--minival_size", 2) == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "minival.json",
        "test.json",
        "train.json",
        "val.json",
    ]
    minival, val = read_split(out / "minival.json"), read_split(out / "val.json")
    assert minival.images == val.images[:2]
    assert minival.split == "minival"


def test_a_flickr30k_file_has_no_folders_and_its_own_ids(tmp_path):
    image = karpathy_image(0, "test")
    del image["filepath"], image["cocoid"]
    image["imgid"] = 31
    split = read_karpathy(write_karpathy(tmp_path / "k.json", [image])).splits["test"]
    assert split.images[0].image_id == 31
    assert split.images[0].file_name == "0.jpg"


def test_the_real_karpathy_file_gives_48_9_and_33_images(shared_data):
    splits = read_karpathy(shared_data / "coco90" / "dataset_coco.json").splits
    assert {name: len(split.images) for name, split in splits.items()} == {
        "train": 48,
        "val": 9,
        "test": 33,
    }
    assert all(len(image.captions) == 5 for image in splits["test"].images)


def test_the_real_coco_captions_agree_with_karpathys_file(shared_data):
    coco = read_coco_captions(
        shared_data / "coco90" / "annotations" / "captions_val2014.json", "val", "val2014"
    ).splits["val"]
    karpathy = read_karpathy(shared_data / "coco90" / "dataset_coco.json").splits
    captions = {c.caption_id: c.caption for image in coco.images for c in image.captions}
    files = {image.image_id: image.file_name for image in coco.images}
    for image in (*karpathy["val"].images, *karpathy["test"].images):
        assert files[image.image_id] == image.file_name
        for caption in image.captions:
            assert captions[caption.caption_id].strip() == caption.caption.strip()


@pytest.mark.parametrize("key_type", [int, str])
@pytest.mark.parametrize("as_json", [False, True])
def test_oscars_captions_are_read_with_any_keys_and_values(tmp_path, key_type, as_json):
    captions = {391895: ["a man", "a bike"], 42: ["a dog"]}
    torch.save(
        {key_type(k): json.dumps(v) if as_json else v for k, v in captions.items()},
        tmp_path / "test_captions.pt",
    )
    (tmp_path / "keys.tsv").write_text("42\n391895\n")
    split = read_oscar(
        tmp_path / "test_captions.pt", tmp_path / "keys.tsv", "test", lambda i: f"{i}.jpg"
    ).splits["test"]
    assert split.image_ids.tolist() == [42, 391895]
    assert split.captions == ("a dog", "a man", "a bike")
    assert split.caption_ids.tolist() == [0, 1, 2]


def test_oscars_train_images_are_looked_for_in_both_folders(tmp_path, run_main):
    torch.save({1: ["a"], 2: ["b"]}, tmp_path / "train_captions.pt")
    for folder, image_id in (("train2014", 1), ("val2014", 2)):
        path = tmp_path / "images" / folder / f"COCO_{folder}_{image_id:012d}.jpg"
        path.parent.mkdir(parents=True)
        path.touch()
    arguments = ["--oscar_captions", tmp_path / "train_captions.pt", "--split", "train"]
    arguments += ["--output_dir", tmp_path]
    assert_one_clear_line(run_main(main, *arguments), "--image_root")
    assert run_main(main, *arguments, "--image_root", tmp_path / "images") == 0
    names = [image.file_name for image in read_split(tmp_path / "train.json").images]
    assert names == [
        "train2014/COCO_train2014_000000000001.jpg",
        "val2014/COCO_val2014_000000000002.jpg",
    ]


def test_a_pickle_that_would_run_code_is_refused(tmp_path, run_main):
    class Malicious:
        def __reduce__(self):
            return (Path(tmp_path / "ran").touch, ())

    torch.save({1: Malicious()}, tmp_path / "test_captions.pt")
    status = run_main(
        main,
        "--oscar_captions",
        tmp_path / "test_captions.pt",
        "--split",
        "test",
        "--output_dir",
        tmp_path / "out",
    )
    assert_one_clear_line(status, "test_captions.pt")
    assert not (tmp_path / "ran").exists()


def test_a_split_survives_the_round_trip_through_its_file(tmp_path):
    split = make_split(5)
    write_split(tmp_path / "a.json", split)
    assert read_split(tmp_path / "a.json") == split
    assert read_split(tmp_path / "a.json").sha256 == split.sha256


def split_of(*images: CaptionedImage) -> Split:
    return Split("d", "s", "source.json", images)


def image_of(image_id: int, *captions: tuple[int, str], file_name: str = "a.jpg"):
    return CaptionedImage(image_id, file_name, tuple(Caption(i, text) for i, text in captions))


@pytest.mark.parametrize(
    ("images", "line"),
    [
        ([], "at least one image"),
        ([image_of(3)], "image 3 has an empty caption list"),
        ([image_of(3, (1, "  "))], "caption 1 of image 3 is empty"),
        ([image_of(3, (1, "a")), image_of(3, (2, "b"))], "image id 3 occurs 2 times"),
        ([image_of(3, (1, "a")), image_of(4, (1, "b"))], "caption id 1 occurs 2 times"),
        ([image_of(3, (1, "a"), file_name="../a.jpg")], "stay inside it"),
        ([image_of(3, (1, "a"), file_name="/etc/passwd")], "relative to the image root"),
    ],
)
def test_a_split_that_breaks_a_rule_is_refused(images, line):
    with pytest.raises(InputError, match=line):
        split_of(*images)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "no such file"),
        ("{", "expected JSON"),
        ('{"images": []}', "not Karpathy's format"),
        ('{"images": [{"split": "train"}], "dataset": "coco"}', "not Karpathy's format"),
    ],
)
def test_a_bad_annotation_file_stops_the_command_and_leaves_nothing(
    tmp_path, run_main, content, line
):
    path = tmp_path / "dataset_coco.json"
    if content is not None:
        path.write_text(content)
    status = run_main(main, "--karpathy_json", path, "--output_dir", tmp_path / "out")
    assert_one_clear_line(status, path, line)
    assert not (tmp_path / "out").exists()


def test_a_caption_with_half_of_a_character_is_refused():
    with pytest.raises(InputError, match="caption 7: found half of a character"):
        Caption(7, "a cat \ud83d")


@pytest.mark.parametrize("content", ["[]", '{"images": 3}', '{"images": [{"image_id": "x"}]}'])
def test_a_file_that_is_no_split_file_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match="not a split file"):
        read_split(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ({"image_id": 1.7}, "image_id: expected an integer of 64 bits, found 1.7"),
        ({"image_id": True}, "image_id: expected an integer of 64 bits, found True"),
        ({"image_id": 2**63}, "image_id: expected an integer of 64 bits"),
        ({"file_name": None}, "file_name of image 1: expected text, found None"),
        ({"file_name": ""}, "relative to the image root"),
        ({"captions": [{"caption_id": 1, "caption": None}]}, "caption 1: expected text, found N"),
        ({"captions": [{"caption_id": None, "caption": "a"}]}, "caption_id: expected an integer"),
    ],
)
def test_what_is_no_id_name_or_text_is_refused(tmp_path, image, line):
    good = {"image_id": 1, "file_name": "a.jpg", "captions": [{"caption_id": 1, "caption": "a"}]}
    content = {"dataset": "d", "split": "s", "source": "x", "images": [{**good, **image}]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=line) as error:
        read_split(tmp_path / "a.json")
    assert str(error.value).startswith(str(tmp_path / "a.json"))


@pytest.mark.parametrize(
    ("images", "line"),
    [
        ([], "expected at least one image, found none"),
        ([karpathy_image(1, "../train")], "expected a name without /"),
        ([karpathy_image(1, "train"), karpathy_image(1, "test")], "image 1 is in both train and"),
        ([karpathy_image(1, "test") | {"filename": None}], "not Karpathy's format"),
        ([karpathy_image(2**70, "test")], "expected an integer of 64 bits"),
        (
            [karpathy_image(1, "test") | {"sentences": [{"sentid": "one", "raw": "a"}]}],
            "caption id: expected an integer of 64 bits, found 'one'",
        ),
    ],
)
def test_a_bad_karpathy_file_stops_the_command_and_leaves_nothing(tmp_path, run_main, images, line):
    path = write_karpathy(tmp_path / "k.json", images)
    status = run_main(main, "--karpathy_json", path, "--output_dir", tmp_path / "out")
    assert_one_clear_line(status, path, line)
    assert not (tmp_path / "out").exists()


def test_an_image_with_a_coco_id_needs_no_other(tmp_path):
    image = karpathy_image(5, "test")
    del image["imgid"]
    splits = read_karpathy(write_karpathy(tmp_path / "k.json", [image])).splits
    assert splits["test"].image_ids.tolist() == [5]


@pytest.mark.parametrize(
    ("annotation", "line"),
    [
        ({"caption": None}, "expected at least one image, found none"),
        ({"id": 2**64}, "caption id: expected an integer of 64 bits"),
        ({"image_id": 7.5}, "image id: expected an integer of 64 bits, found 7.5"),
        ({"image_id": 8}, "captions of image 8, which the file does not list"),
    ],
)
def test_a_bad_coco_annotation_is_named(tmp_path, annotation, line):
    good = {"id": 1, "image_id": 7, "caption": "a"}
    content = {"images": [{"id": 7, "file_name": "7.jpg"}], "annotations": [good | annotation]}
    (tmp_path / "c.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=line) as error:
        read_coco_captions(tmp_path / "c.json", "val", "")
    assert str(tmp_path / "c.json") in str(error.value)


def test_names_in_the_place_of_ids_are_numbered_and_kept(tmp_path):
    images = [
        {
            "image_id": name,
            "file_name": f"{name}.jpg",
            "captions": [{"caption_id": f"{name}#{i}", "caption": "a"} for i in range(2)],
        }
        for name in ("zebra", "cat")
    ]
    content = {"dataset": "d", "split": "s", "source": "x", "images": images}
    (tmp_path / "s.json").write_text(json.dumps(content))
    split = read_split(tmp_path / "s.json")
    assert split.image_ids.tolist() == [1, 2]
    assert split.caption_ids.tolist() == [1, 2, 3, 4]
    assert [image.source_id for image in split.images] == ["zebra", "cat"]
    assert [caption.source_id for caption in split.images[1].captions] == ["cat#0", "cat#1"]
    write_split(tmp_path / "t.json", split)
    assert read_split(tmp_path / "t.json") == split


def test_coco_captions_with_names_for_ids_become_a_split(tmp_path, run_main):
    content = {
        "images": [{"id": "b7", "file_name": "b7.jpg"}, {"id": "a1", "file_name": "a1.jpg"}],
        "annotations": [
            {"id": 10, "image_id": "a1", "caption": "a cat"},
            {"id": 11, "image_id": "b7", "caption": "a dog"},
        ],
    }
    (tmp_path / "captions_x.json").write_text(json.dumps(content))
    options = ["--coco_captions", tmp_path / "captions_x.json", "--split", "test"]
    assert run_main(main, *options, "--output_dir", tmp_path) == 0
    split = read_split(tmp_path / "test.json")
    assert [(i.image_id, i.source_id, i.captions) for i in split.images] == [
        (1, "b7", (Caption(11, "a dog"),)),
        (2, "a1", (Caption(10, "a cat"),)),
    ]
