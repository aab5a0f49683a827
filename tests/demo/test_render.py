"""The rendered data set: COCO's layout and keys, reproducible, and safe to run again."""

import json
from pathlib import Path

import pytest
from PIL import Image

from demo.render import RenderArguments, render
from preprocess.base.errors import InputError


def settings(folder: Path, seed: int = 0) -> RenderArguments:
    return RenderArguments(folder, seed=seed, n_train=6, n_restval=2, n_val=3, n_test=4)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def read_json(path: Path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rendered") / "demo"
    render(settings(folder))
    return folder


def test_the_same_seed_gives_the_same_bytes(demo, tmp_path):
    render(settings(tmp_path / "again"))
    assert contents(tmp_path / "again") == contents(demo)


def test_another_seed_gives_other_ids_and_pictures(demo, tmp_path):
    render(settings(tmp_path / "other", seed=1))
    names = {name for name in contents(demo) if name.endswith(".jpg")}
    assert not names & set(contents(tmp_path / "other"))


def test_rendering_again_changes_nothing_and_completes_what_is_missing(demo, tmp_path):
    render(settings(tmp_path / "demo"))
    (tmp_path / "demo" / "dataset_coco.json").unlink()
    next((tmp_path / "demo" / "images" / "val2014").iterdir()).unlink()
    render(settings(tmp_path / "demo"))
    assert contents(tmp_path / "demo") == contents(demo)


def test_a_folder_of_other_settings_is_refused_untouched(demo):
    before = contents(demo)
    with pytest.raises(InputError, match="another --output_dir"):
        render(settings(demo, seed=1))
    assert contents(demo) == before


def test_a_folder_that_may_be_real_coco_is_refused_untouched(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="may be real data"):
        render(settings(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_no_images_at_all_are_refused(tmp_path):
    with pytest.raises(InputError, match="0 images"):
        render(RenderArguments(tmp_path / "demo", n_train=0, n_restval=0, n_val=0, n_test=0))


def test_images_are_jpeg_files_of_the_stated_size(demo):
    for folder in ("train2014", "val2014"):
        for image in read_json(demo / f"annotations/captions_{folder}.json")["images"]:
            with Image.open(demo / "images" / folder / image["file_name"]) as picture:
                picture.load()
                assert (picture.format, picture.mode) == ("JPEG", "RGB")
                assert picture.size == (image["width"], image["height"])


def test_annotations_have_the_keys_of_coco(demo):
    captions = read_json(demo / "annotations/captions_val2014.json")
    instances = read_json(demo / "annotations/instances_val2014.json")
    assert {"info", "licenses", "images", "annotations"} <= set(captions)
    assert {"info", "licenses", "images", "annotations", "categories"} <= set(instances)
    assert {"image_id", "id", "caption", "kind"} <= set(captions["annotations"][0])
    expected = {"area", "iscrowd", "image_id", "bbox", "category_id", "id", "attribute"}
    assert expected <= set(instances["annotations"][0])
    assert {"license", "file_name", "height", "width", "id"} <= set(captions["images"][0])
    assert len({annotation["id"] for annotation in instances["annotations"]}) == len(
        instances["annotations"]
    )


def test_boxes_lie_inside_their_images(demo):
    for folder in ("train2014", "val2014"):
        instances = read_json(demo / f"annotations/instances_{folder}.json")
        sizes = {image["id"]: (image["width"], image["height"]) for image in instances["images"]}
        for annotation in instances["annotations"]:
            x, y, width, height = annotation["bbox"]
            image_width, image_height = sizes[annotation["image_id"]]
            assert 0 <= x <= x + width <= image_width
            assert 0 <= y <= y + height <= image_height


def test_karpathys_file_agrees_with_cocos(demo):
    images = read_json(demo / "dataset_coco.json")["images"]
    splits = [image["split"] for image in images]
    assert splits == ["train"] * 6 + ["restval"] * 2 + ["val"] * 3 + ["test"] * 4
    captions = {}
    for folder in ("train2014", "val2014"):
        for annotation in read_json(demo / f"annotations/captions_{folder}.json")["annotations"]:
            captions[annotation["id"]] = (annotation["image_id"], annotation["caption"])
    assert len(captions) == 5 * len(images)
    for image in images:
        assert image["filepath"] == ("train2014" if image["split"] == "train" else "val2014")
        assert (demo / "images" / image["filepath"] / image["filename"]).is_file()
        assert image["sentids"] == [sentence["sentid"] for sentence in image["sentences"]]
        for sentence in image["sentences"]:
            assert captions[sentence["sentid"]] == (image["cocoid"], sentence["raw"])


def test_the_kind_of_every_caption_is_recorded(demo):
    kinds = read_json(demo / "annotations/caption_kinds.json")
    for folder in ("train2014", "val2014"):
        for annotation in read_json(demo / f"annotations/captions_{folder}.json")["annotations"]:
            kind = kinds[str(annotation["id"])]
            assert kind["kind"] == annotation["kind"]
            assert (kind["intended"] != annotation["caption"]) == (kind["kind"] == "typo")
            assert annotation.get("intended", annotation["caption"]) == kind["intended"]


def test_every_box_has_the_name_and_colour_of_its_thing(demo):
    for folder in ("train2014", "val2014"):
        instances = read_json(demo / f"annotations/instances_{folder}.json")
        names = {category["id"]: category["name"] for category in instances["categories"]}
        expected = [
            (annotation["bbox"], names[annotation["category_id"]], annotation["attribute"])
            for annotation in instances["annotations"]
        ]
        lines = (demo / f"annotations/regions_{folder}.json").read_text("utf-8").splitlines()
        elements = [element for line in lines for element in json.loads(line)["elems"]]
        found = [(e["bb"], e["caption"], e["attributes"]) for e in elements]
        assert found == expected
