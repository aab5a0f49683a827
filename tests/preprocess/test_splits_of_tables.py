"""A table of image names and captions becomes a split file."""

import pytest

from preprocess.captions.split_file import Caption, CaptionedImage, read_split
from preprocess.splits import main
from tests.conftest import assert_one_clear_line


@pytest.mark.parametrize(
    "table",
    [
        'image,caption\nb.jpg,a dog\na.jpg,"a cat, asleep"\nb.jpg,the dog\n',
        "image,caption\nb.jpg,a dog\na.jpg,a cat, asleep\nb.jpg,the dog\n",  # unquoted, last
        "image_name| comment_number| comment\nb.jpg| 0| a dog\na.jpg| 0| a cat, asleep\n"
        "b.jpg| 1| the dog\n",
        "caption\tlanguage\tfile_name\r\na dog\ten\tb.jpg\r\na cat, asleep\ten\ta.jpg\r\n"
        "the dog\ten\tb.jpg\r\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_of_captions_becomes_a_split(tmp_path, run_main, table, encoding):
    (tmp_path / "mine.csv").write_bytes(table.encode(encoding))
    options = ["--captions_csv", tmp_path / "mine.csv", "--split", "test", "--dataset", "pets"]
    assert run_main(main, *options, "--output_dir", tmp_path) == 0
    split = read_split(tmp_path / "test.json")
    assert (split.dataset, split.split, split.source) == ("pets", "test", "mine.csv")
    assert split.images == (
        CaptionedImage(1, "b.jpg", (Caption(1, "a dog"), Caption(3, "the dog"))),
        CaptionedImage(2, "a.jpg", (Caption(2, "a cat, asleep"),)),
    )


def test_a_table_may_have_ids_or_names_of_its_own(tmp_path, run_main):
    table = "image,caption,image_id,caption_id\nb.jpg,a dog,dog,100\na.jpg,a cat,cat,50\n"
    (tmp_path / "mine.csv").write_text(table)
    options = ["--captions_csv", tmp_path / "mine.csv", "--split", "test"]
    assert run_main(main, *options, "--output_dir", tmp_path) == 0
    split = read_split(tmp_path / "test.json")
    assert split.caption_ids.tolist() == [100, 50]
    assert [image.source_id for image in split.images] == ["dog", "cat"]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("picture,text\na.jpg,a\n", "columns image and caption"),
        ("image,caption,caption\na.jpg,a,b\n", "each once"),
        ("image,comment,text\na.jpg,a,b\n", "comment and text may both be the caption"),
        ('image,caption\na.jpg,"a cat\nb.jpg,a dog\n', "is a double quote missing"),
        ("image_id,image,caption\n1,a.jpg,a\n2,a.jpg,b\n", "image 'a.jpg' has 2 image_ids"),
        ("caption,image\na cat, asleep,a.jpg\n", "line 2: expected 2 columns, found 3"),
        ("image,caption\n", "expected at least one image"),
    ],
)
def test_a_table_that_is_none_is_one_line(tmp_path, run_main, table, line):
    (tmp_path / "mine.csv").write_text(table)
    options = ["--captions_csv", tmp_path / "mine.csv", "--split", "test"]
    assert_one_clear_line(run_main(main, *options, "--output_dir", tmp_path), "mine.csv", line)
    assert not (tmp_path / "test.json").exists()


def test_rows_without_text_are_left_out_and_named(tmp_path, run_main, capsys):
    (tmp_path / "mine.csv").write_text("image,caption\na.jpg,a cat\na.jpg,\nb.jpg,\n")
    options = ["--captions_csv", tmp_path / "mine.csv", "--split", "test"]
    assert run_main(main, *options, "--output_dir", tmp_path) == 0
    assert len(read_split(tmp_path / "test.json").images) == 1
    assert "3 odd entries: caption 2 of image 1 has no text" in capsys.readouterr().err


def test_a_column_by_its_own_name_comes_before_one_that_may_be_it(tmp_path, run_main):
    (tmp_path / "mine.csv").write_text("image,caption,text\na.jpg,a cat,something else\n")
    options = ["--captions_csv", tmp_path / "mine.csv", "--split", "test"]
    assert run_main(main, *options, "--output_dir", tmp_path) == 0
    assert read_split(tmp_path / "test.json").captions == ("a cat",)


def test_the_separator_that_a_row_lacks_before_its_caption_is_put_in_and_that_is_told(
    tmp_path, run_main, capsys
):
    # As one of Flickr30k's; a quote between bars is the caption's own.
    table = 'image_name| comment_number| comment\na.jpg| 0| "A dog runs .\nb.jpg| 4   A cat .\n'
    (tmp_path / "results.csv").write_text(table)
    options = ["--captions_csv", tmp_path / "results.csv", "--split", "test"]
    assert run_main(main, *options, "--output_dir", tmp_path) == 0
    assert read_split(tmp_path / "test.json").captions == ('"A dog runs .', "A cat .")
    assert "1 odd entries: line 3 has 2 of 3 columns: '|' is put in" in capsys.readouterr().err


def test_a_row_that_lacks_a_column_is_left_out_and_named(tmp_path, run_main, capsys):
    table = "image_name| comment_number| comment\na.jpg| 0| A dog .\nb.jpg| A cat .\n"
    (tmp_path / "results.csv").write_text(table)
    options = ["--captions_csv", tmp_path / "results.csv", "--split", "test"]
    assert run_main(main, *options, "--output_dir", tmp_path) == 0
    assert read_split(tmp_path / "test.json").captions == ("A dog .",)
    assert "1 odd entries: line 3 has 2 of 3 columns\n" in capsys.readouterr().err
