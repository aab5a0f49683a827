"""The command that makes region files."""

import json

import pytest

from preprocess import write_images
from preprocess.captions.annotations import read_karpathy
from preprocess.captions.split_file import write_split
from preprocess.region_phrases.region_file import RegionsFile
from preprocess.regions import main
from preprocess.storage.images_file import ImagesFile
from tests.conftest import assert_one_clear_line, make_split, write_image_files
from tests.preprocess.region_phrases.small_regions import (
    element,
    split_of,
    write_instances,
    write_lines,
    write_small,
    write_split_of,
    write_visual_genome,
)


@pytest.fixture
def make(tmp_path, run_main):
    """Make r.json; return the exit status or error line."""
    return lambda *options: run_main(main, "--output", tmp_path / "r.json", *options)


@pytest.fixture
def instances(tmp_path):
    return write_instances(tmp_path / "instances_val2014.json")


@pytest.fixture
def genome(tmp_path):
    return write_visual_genome(tmp_path / "vg")


@pytest.fixture
def lines(tmp_path):
    dogs = [element("dog", [1, 2, 3, 4], attributes="brown")]
    content = [{"elems": dogs, "image_rpath": f"images/{number}.jpg"} for number in (7, 8)]
    return write_lines(tmp_path / "lines.json", *content)


def test_cocos_instances_of_a_split(make, instances, tmp_path, capsys):
    split = write_split_of(tmp_path / "train.json", [42, 74, 99])
    assert make("--coco_instances", instances, "--split_file", split) == 0
    found = RegionsFile(tmp_path / "r.json")
    assert (found.dataset, found.split) == ("coco", "train")
    assert found.source == "instances_val2014.json"
    assert found.split_sha256 == split_of([42, 74, 99]).sha256
    assert list(found.file_names) == ["val2014/COCO_val2014_000000000042.jpg"]
    assert found.regions(0)[0].box == (0, 0, 200, 100)
    assert found.tally == {
        "images that are not in the split train left out": 1,
        "crowd annotations left out": 1,
        "images without a region left out": 1,
    }
    out = capsys.readouterr().out
    assert f"wrote {tmp_path / 'r.json'}: 1 images, 1 regions" in out
    assert f"1 crowd annotations left out: {instances}, image 42" in out


def test_visual_genome_without_cocos_test_images(make, genome, tmp_path, capsys):
    test = write_split_of(tmp_path / "test.json", [42, 5], "test")
    assert make("--visual_genome", genome, "--leave_out", test) == 0
    found = RegionsFile(tmp_path / "r.json")
    assert (found.dataset, found.split, found.image_ids.tolist()) == ("visual_genome", "train", [1])
    assert found.tally[f"images of {test} left out"] == 1
    region, cut, clock = found.regions(0)
    assert region.phrases == ("the clock is green in colour",)
    assert (cut.box, cut.phrases) == ((0, 338, 271, 192), ("shade is along the street",))
    assert (clock.phrases, clock.attributes) == (("clock",), ("green", "tall", "old"))
    assert f"1 images of {test} left out: {genome / 'image_data.json'}, image 2" in (
        capsys.readouterr().out
    )
    assert make("--visual_genome", genome, "--leave_out", "none") == 0
    assert RegionsFile(tmp_path / "r.json").image_ids.tolist() == [1, 2]


def test_visual_genome_is_refused_where_nothing_is_said_of_cocos_images(make, genome, tmp_path):
    status = make("--visual_genome", genome)
    assert_one_clear_line(status, "51,208", "--leave_out datasets/coco/val.json", "none")
    split = write_split_of(tmp_path / "train.json", [42])
    status = make("--visual_genome", genome, "--leave_out", "none", "--split_file", split)
    assert_one_clear_line(status, "Visual Genome has no splits")
    assert not (tmp_path / "r.json").exists()


def test_json_lines(make, lines, tmp_path):
    options = ("--split", "mine", "--dataset", "pets", "--tokenized")
    assert make("--json_lines", lines, "--leave_out", "none", *options) == 0
    found = RegionsFile(tmp_path / "r.json")
    assert (found.dataset, found.split, found.tokenized) == ("pets", "mine", True)
    assert found.image_ids.tolist() == [7, 8]
    assert found.image_sizes.tolist() == [[0, 0], [0, 0]]
    assert found.regions(1)[0].attributes == ("brown",)


def test_json_lines_without_ids_cannot_be_told_from_a_split(make, lines, tmp_path, capsys):
    lines.write_text(lines.read_text().replace("8.jpg", "dog.jpg"))
    split = write_split_of(tmp_path / "train.json", [7])
    status = make("--json_lines", lines, "--split_file", split)
    assert_one_clear_line(status, lines, "file names do not end with ids")
    assert make("--json_lines", lines) == 0
    assert RegionsFile(tmp_path / "r.json").image_ids.tolist() == [1, 2]
    assert "the images are numbered from 1" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--split_file", "--leave_out"])
def test_json_lines_of_visual_genome_are_not_told_from_cocos_images(make, lines, tmp_path, option):
    """Its image 42 is another photograph than COCO's."""
    lines.write_text(lines.read_text().replace("images/7.jpg", "VG_100K/42.jpg"))
    split = write_split_of(tmp_path / "test.json", [42], "test")
    status = make("--json_lines", lines, option, split)
    assert_one_clear_line(status, lines, "VG_100K/42.jpg", "--visual_genome", "image_data.json")
    assert not (tmp_path / "r.json").exists()
    assert make("--json_lines", lines, "--leave_out", "none") == 0
    assert RegionsFile(tmp_path / "r.json").file_names[0] == "VG_100K/42.jpg"


def test_a_source_without_a_word_on_splits_is_a_warning(make, instances, capsys):
    assert make("--coco_instances", instances) == 0
    assert "warning: neither --split_file nor --leave_out" in capsys.readouterr().err
    assert make("--coco_instances", instances, "--leave_out", "none") == 0
    assert "warning" not in capsys.readouterr().err


def test_bad_boxes_may_stop_the_command(make, genome, tmp_path):
    status = make("--visual_genome", genome, "--leave_out", "none", "--bad_boxes", "error")
    name = f"{genome / 'region_descriptions.json'}, image 1: "
    assert_one_clear_line(status, name, "800 x 600", "[-3, 338, 274, 192]")
    assert not [file for file in tmp_path.iterdir() if "r.json" in file.name]


def test_options_that_do_not_go_together_are_one_line(make, instances, genome, lines):
    assert_one_clear_line(make(), "exactly one of --coco_instances, --visual_genome, --json_lines")
    status = make("--coco_instances", instances, "--json_lines", lines)
    assert_one_clear_line(status, "exactly one")
    status = make("--coco_instances", instances, "--tokenized")
    assert_one_clear_line(status, "--tokenized is for --json_lines alone")
    status = make("--json_lines", lines, "--image_folder", "x")
    assert_one_clear_line(status, "--image_folder is for --coco_instances alone")


def test_files_of_which_nothing_is_left_are_one_line(make, instances, tmp_path):
    split = write_split_of(tmp_path / "train.json", [1])
    status = make("--coco_instances", instances, "--split_file", split)
    assert_one_clear_line(status, tmp_path / "r.json", "at least one image")


@pytest.mark.parametrize("option", ["--split_file", "--leave_out"])
def test_a_file_that_is_no_split_is_one_line(make, instances, option):
    status = make("--coco_instances", instances, option, instances)
    assert_one_clear_line(status, instances, "split file")


def test_an_odd_annotation_is_told_and_a_changed_source_is_one_line(
    make, instances, tmp_path, capsys
):
    content = json.loads(instances.read_text())
    del content["annotations"][0]["bbox"]
    instances.write_text(json.dumps(content))
    assert make("--coco_instances", instances) == 0
    kind = "annotations of another format left out"
    assert RegionsFile(tmp_path / "r.json").tally[kind] == 1
    assert f"1 {kind}: {instances}" in capsys.readouterr().out
    content["annotations"] = content["annotations"][:1]
    instances.write_text(json.dumps(content))
    assert_one_clear_line(make("--coco_instances", instances), instances, "bbox")


def test_the_images_of_a_region_file_become_an_images_file(tmp_path, run_main, capsys):
    split = make_split(3)
    write_image_files(tmp_path / "images", split)
    names = [image.file_name for image in split.images]
    rows = [{"elems": [element("dog", [1, 2, 3, 4])], "image_rpath": name} for name in names]
    source = write_lines(tmp_path / "lines.json", *rows)
    regions = tmp_path / "train_regions.json"
    root = ("--image_root", tmp_path / "images")
    assert run_main(main, "--json_lines", source, "--output", regions, *root) == 0
    assert RegionsFile(regions).image_sizes.tolist() == [[48, 64]] * 3
    output = tmp_path / "regions_images.h5"
    given = ("--regions_file", regions, *root, "--output", output)
    assert run_main(write_images.main, *given) == 0
    images = ImagesFile(output)
    assert images.image_ids.tolist() == split.image_ids.tolist()
    for image in split.images:
        path = tmp_path / "images" / image.file_name
        assert images.read_encoded(image.image_id) == path.read_bytes()
    (tmp_path / "images" / names[1]).unlink()
    assert run_main(write_images.main, *given, "--skip_damaged") == 0
    assert ImagesFile(output).image_ids.tolist() == split.image_ids[[0, 2]].tolist()
    assert not list(tmp_path.glob("*_without_skipped.json"))


def test_images_are_of_a_split_or_of_a_region_file(tmp_path, run_main):
    regions = write_small(tmp_path / "r.json")
    split = write_split_of(tmp_path / "train.json", [1])
    given = ("--image_root", tmp_path, "--output", tmp_path / "x.h5")
    for files in ((), ("--regions_file", regions, "--split_file", split)):
        status = run_main(write_images.main, *files, *given)
        assert_one_clear_line(status, "exactly one of --split_file, --regions_file")


def test_real_coco_by_its_splits(make, shared_data, tmp_path):
    folder = shared_data / "coco90"
    splits = read_karpathy(folder / "dataset_coco.json").splits
    instances = sorted((folder / "annotations").glob("instances_*.json"))
    n_images, n_regions = 0, 0
    for name, split in splits.items():
        write_split(tmp_path / f"{name}.json", split)
        options = ("--split_file", tmp_path / f"{name}.json", "--bad_boxes", "error")
        assert make("--coco_instances", *instances, *options) == 0
        found = RegionsFile(tmp_path / "r.json")
        found.check_covers(split)
        sources = {image.image_id: image.file_name for image in split.images}
        for image_id, file_name in zip(found.image_ids.tolist(), found.file_names, strict=True):
            assert sources[image_id] == file_name
        n_images, n_regions = n_images + len(found), n_regions + found.n_regions
    assert (n_images, n_regions) == (88, 791)  # 2 have crowds or nothing alone, of 9 crowds
