import json
from pathlib import Path

import pytest

from error_analysis.relevance.label_files import read_labels
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from tests.error_analysis.labels import (
    SIS,
    STS,
    caption_name,
    image_name,
    write_eccv,
    write_sits,
)
from tests.error_analysis.scored import make_split

# Images 100, 101, 102 with captions 5000 5001, 5002 5003, 5004 5005.
SPLIT = make_split([2, 2, 2])
RATED = [(5000, 100, 4.9), (5002, 101, 3.0), (5000, 102, 3.0), (5002, 100, 2.99), (5004, 102, 2.4)]


def test_a_pair_of_sits_suits_from_a_score_of_3_on(tmp_path: Path):
    labels = read_labels(write_sits(tmp_path / "sits_test.csv", RATED), SPLIT)
    assert labels.name == "CxC"
    assert labels.images_of_caption == {5000: {100, 102}, 5002: {101}, 5004: set()}
    assert labels.captions_of_image == {100: {5000}, 101: {5002}, 102: {5000}}


def test_the_json_that_cxc_merges_says_the_same_as_its_csv(tmp_path: Path):
    by_image = {image: [c for c in RATED if c[1] == image] for image in (100, 101, 102)}
    images = [
        {
            "cocoid": image,
            "split": "test",
            # The second kind repeats, at a caption's own image, what another image has.
            "cxc_scores": [
                *([caption, str(score), "c2i_intrasim"] for caption, _, score in rated),
                [image_name(102), "3.0", "c2i_intrasim"],
            ],
        }
        for image, rated in by_image.items()
    ]
    images.append({"cocoid": 9, "split": "val", "cxc_scores": [[77, "5.0", "c2i_original"]]})
    images.append({"cocoid": 8, "split": "train"})
    merged = tmp_path / "combined.json"
    merged.write_text(json.dumps({"images": images}))
    from_csv = read_labels(write_sits(tmp_path / "sits_test.csv", RATED), SPLIT)
    from_json = read_labels(merged, SPLIT)
    assert from_json.images_of_caption == from_csv.images_of_caption
    assert from_json.captions_of_image == from_csv.captions_of_image


def test_like_captions_imply_each_others_images_from_4_on(tmp_path: Path):
    rows = [
        f"{caption_name(5000)},{caption_name(5002)},4.0,c2c_isim",
        f"{caption_name(5001)},{caption_name(5004)},3.9,c2c_isim",
    ]
    path = tmp_path / "sts_test.csv"
    path.write_text("\n".join([STS, *rows]))
    labels = read_labels(path, SPLIT)
    assert labels.images_of_caption == {
        5000: {100, 101},
        5002: {100, 101},
        5001: {100},
        5004: {102},
    }
    assert labels.captions_of_image[100] == {5000, 5001, 5002}
    assert labels.captions_of_image[102] == {5004, 5005}


def test_like_images_imply_each_others_captions_from_4_on(tmp_path: Path):
    rows = [
        f"{image_name(100)},{image_name(101)},4.0,i2i_csim",
        f"{image_name(100)},{image_name(102)},3.5,i2i_csim",
    ]
    path = tmp_path / "sis_test.csv"
    path.write_text("\n".join([SIS, *rows]))
    labels = read_labels(path, SPLIT)
    assert labels.captions_of_image[100] == {5000, 5001, 5002, 5003}
    assert labels.captions_of_image[102] == {5004, 5005}
    assert labels.images_of_caption[5003] == {100, 101}


def test_either_of_the_two_files_of_eccv_caption_names_both(tmp_path: Path):
    first = write_eccv(tmp_path, {100: [5000, 5001, 5004]}, {5002: [101, 100]})
    labels = read_labels(first, SPLIT)
    assert labels == read_labels(tmp_path / "eccv_caption_to_image.json", SPLIT)
    assert labels.name == "ECCV Caption"
    assert labels.captions_of_image == {100: {5000, 5001, 5004}}
    assert labels.images_of_caption == {5002: {100, 101}}
    assert labels.pairs() == {(100, 5000), (100, 5001), (100, 5004), (101, 5002), (100, 5002)}


def test_the_package_itself_is_read():
    package = pytest.importorskip("eccv_caption")
    folder = Path(package.__file__).parent / "data"
    content = json.loads((folder / "original_image_to_caption.json").read_text())
    images = tuple(
        CaptionedImage(int(image), f"{image}.jpg", tuple(Caption(c, "a cat") for c in captions))
        for image, captions in content.items()
    )
    split = Split("coco", "test", "eccv_caption", images)
    eccv = read_labels(folder / "eccv_image_to_caption.json", split)
    assert (len(eccv.captions_of_image), len(eccv.images_of_caption)) == (1261, 1332)
    assert sum(map(len, eccv.images_of_caption.values())) == 11279
    assert eccv.n_unknown == 2
    assert len(read_labels(folder / "cxc_caption_to_image.json", split).images_of_caption) == 24972


def refusal(path: Path, split=SPLIT) -> str:
    with pytest.raises(InputError) as caught:
        read_labels(path, split)
    assert str(path.parent) in str(caught.value)
    return str(caught.value)


def test_labels_of_another_split_are_refused(tmp_path: Path):
    path = write_sits(tmp_path / "sits_val.csv", [(9000, 900, 5.0), (9001, 900, 1.0)])
    assert "1 of its 1 image ids, such as 900, are not in split 'test'" in refusal(path)
    eccv = write_eccv(tmp_path, {100: [5000, 9000]}, {5000: [100]})
    assert "caption ids, such as 9000, are not in split" in refusal(eccv)
    sts = tmp_path / "sts_val.csv"
    sts.write_text(f"{STS}\n{caption_name(5000)},{caption_name(7)},4.0,c2c_isim\n")
    assert "id 7 is not in split" in refusal(sts)


def test_captions_numbered_in_another_way_are_noticed(tmp_path: Path):
    shifted = [(5000, 101, 4.9), (5002, 102, 4.9), (5004, 100, 4.9)]
    message = refusal(write_sits(tmp_path / "sits_test.csv", shifted))
    assert "only 0 of its 3 captions suit their own image" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected the columns caption,image,agg_score,sampling_method"),
        ("caption,image,rating\n", "found 'caption,image,rating'"),
        ("caption,image,agg_score,sampling_method\n", "expected labels, found none"),
        ("caption,image,agg_score,sampling_method\nx,y,3.0,z\n", "line 2 is damaged ('x,y,3.0,z')"),
        (
            "caption,image,agg_score,sampling_method\n"
            "COCO_val2014:sentid:5000,COCO_val2014_000000000100.jpg,nan,c2i_original\n",
            "line 2 is damaged",
        ),
        (
            "caption,image,agg_score,sampling_method\nCOCO_val2014:sentid:5000,COCO_val",
            "line 2 is damaged",
        ),
    ],
)
def test_a_damaged_csv_is_told_in_one_line(tmp_path: Path, text: str, told: str):
    path = tmp_path / "sits_test.csv"
    path.write_text(text)
    assert told in refusal(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "expected an object of lists"),
        ('{"100": 5000}', "expected id -> list of ids, found '100'"),
        ('{"image": [5000]}', "list of image: id: expected an integer of 64 bits, found 'image'"),
        ('{"100": ["cat"]}', "list of 100: id: expected an integer of 64 bits, found 'cat'"),
        ('{"100": [50', "expected JSON"),
    ],
)
def test_a_damaged_json_is_told_in_one_line(tmp_path: Path, text: str, told: str):
    path = write_eccv(tmp_path, {}, {5000: [100]})
    path.write_text(text)
    assert told in refusal(path)


def test_a_missing_second_file_is_named(tmp_path: Path):
    path = write_eccv(tmp_path, {100: [5000]}, {})
    (tmp_path / "eccv_caption_to_image.json").unlink()
    assert "eccv_caption_to_image.json: no such file" in refusal(path)


def test_other_files_are_refused(tmp_path: Path):
    (tmp_path / "labels.json").write_text('{"images": [{"cocoid": 100, "split": "test"}]}')
    assert "cxc_scores that CxC's setup.py adds" in refusal(tmp_path / "labels.json")
    assert "expected sits_*.csv of CxC" in refusal(tmp_path / "labels.txt")
    assert "no such file" in refusal(tmp_path / "sits_test.csv")
