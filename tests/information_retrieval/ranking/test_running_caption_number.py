"""The slip behind two wrong rows of Sx3HRe's table: captions numbered as if they were images.

Indexed by a running caption number, each picture is there five times, with one right caption each.
Text retrieval's R@1 is a fifth of the true one, and the copies fill image retrieval's top five.
Here an image is what the split file says it is.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from information_retrieval.ranking.gallery import gallery_of
from information_retrieval.ranking.metrics import recall_at_k, retrieval_metrics
from information_retrieval.ranking.query_ranks import Ranks
from information_retrieval.ranking.rankings import rank_scores, read_rankings, write_rankings
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split, write_split

PER_IMAGE = 5


def right_split(n_images: int) -> Split:
    images = tuple(
        CaptionedImage(
            i,
            f"{i}.jpg",
            tuple(Caption(PER_IMAGE * i + c, f"{i} {c}") for c in range(PER_IMAGE)),
        )
        for i in range(n_images)
    )
    return Split("tiny", "test", "made by a test", images)


def running_split(n_images: int) -> Split:
    """Each caption has an image of its own: the same file, five times."""
    images = tuple(
        CaptionedImage(caption.caption_id, image.file_name, (caption,))
        for image in right_split(n_images).images
        for caption in image.captions
    )
    return Split("tiny", "test", "made by a test", images)


def right_ranks(scores: np.ndarray) -> Ranks:
    return rank_scores(scores, right_split(len(scores)), {}).ranks


def running_ranks(scores: np.ndarray) -> Ranks:
    """The same scores, a row for each copy of a picture."""
    copies = scores.repeat(PER_IMAGE, axis=0)
    return rank_scores(copies, running_split(len(scores)), {}).ranks


def recalls(ranks: Ranks, direction: str, *cutoffs: int) -> list[float]:
    return [recall_at_k(ranks.of(direction), k) for k in cutoffs]


def planted(n_images: int = 12) -> np.ndarray:
    """Scores in which all image queries but two are right at 1, and captions have ranks of 0 to 2.

    Of images 0 and 1 the other's captions are best; each third caption has one or two other images
    above its own.
    """
    index = np.arange(n_images).repeat(PER_IMAGE)
    scores = np.random.default_rng(0).uniform(0, 0.1, (n_images, len(index))).astype(np.float32)
    own = np.arange(len(index))
    scores[index, own] = 1
    for caption in own[::3]:
        for step in range(1, 2 + caption % 2):
            scores[(index[caption] + step) % n_images, caption] = 1.5
            scores[index[caption], caption] = 0.9
    # Every image's best caption is its own, but of two.
    scores[np.arange(n_images), PER_IMAGE * np.arange(n_images) + 1] = 2
    scores[0, PER_IMAGE + 2], scores[1, 2] = 3, 3
    return scores


def test_a_running_number_makes_text_retrieval_r1_exactly_a_fifth():
    scores = planted()
    [right] = recalls(right_ranks(scores), "i2t", 1)
    assert right == pytest.approx(100 * 10 / 12)
    [wrong] = recalls(running_ranks(scores), "i2t", 1)
    assert wrong == pytest.approx(right / 5)


def test_a_running_number_makes_image_retrieval_r5_and_r10_the_right_r1_and_r2():
    scores = planted()
    right, wrong = right_ranks(scores), running_ranks(scores)
    assert 0 < recalls(right, "t2i", 1)[0] < recalls(right, "t2i", 2)[0] < 100
    assert recalls(wrong, "t2i", 5, 10) == pytest.approx(recalls(right, "t2i", 1, 2))
    # The copies are tied, and any of the five may be first.
    assert recalls(wrong, "t2i", 1) == pytest.approx([recalls(right, "t2i", 1)[0] / 5])


def test_the_recorded_numbers_of_both_are_met(shared_data):
    recorded = np.load(shared_data / "sx3hre_reference" / "sx3hre_reference.npz")
    image, text = (
        recorded[name] / np.linalg.norm(recorded[name], axis=1, keepdims=True)
        for name in ("protocol_image", "protocol_text")
    )
    scores = (image @ text.T).astype(np.float32)  # (40, 200)
    right, wrong = right_ranks(scores), running_ranks(scores)
    found = {
        "protocol_right_i2t_r1_r5_r10": recalls(right, "i2t", 1, 5, 10),
        "protocol_right_t2i_r1_r2_r5_r10": recalls(right, "t2i", 1, 2, 5, 10),
        "wrong_protocol_i2t_r1_r5_r10": recalls(wrong, "i2t", 1, 5, 10),
        "wrong_protocol_t2i_r5_r10": recalls(wrong, "t2i", 5, 10),
    }
    for name, values in found.items():
        assert values == pytest.approx(recorded[name].tolist()), name
    assert retrieval_metrics(right)["i2t_r1"] == pytest.approx(97.5)
    assert retrieval_metrics(wrong)["i2t_r1"] == pytest.approx(97.5 / 5)


def test_the_rows_of_rankings_are_the_images_of_the_split_and_not_its_captions(tmp_path):
    scores, split = planted(), right_split(12)
    copies = scores.repeat(PER_IMAGE, axis=0)
    with pytest.raises(ValueError, match="image in row 12 has no caption"):
        rank_scores(copies, split, {})
    path = tmp_path / "test.npz"
    running = running_split(12)
    write_rankings(path, rank_scores(copies, running, {"split_sha256": running.sha256}))
    with pytest.raises(InputError, match="belong to another split"):
        read_rankings(path, split)
    write_rankings(path, rank_scores(copies, running, {}))  # without a word of its split
    with pytest.raises(InputError, match="belong to another split"):
        read_rankings(path, split)
    write_rankings(path, rank_scores(scores, split, {"split_sha256": split.sha256}))
    rankings = read_rankings(path, split)
    assert rankings.image_ids.tolist() == split.image_ids.tolist()
    assert len(gallery_of(rankings, split).images) == 12


def written(path: Path, images: list[dict]) -> Path:
    content = {"dataset": "tiny", "split": "test", "source": "mine", "images": images}
    path.write_text(json.dumps(content))
    return path


def image_of(image_id: int, file_name: str, *caption_ids: int) -> dict:
    captions = [{"caption_id": i, "caption": f"caption {i}"} for i in caption_ids]
    return {"image_id": image_id, "file_name": file_name, "captions": captions}


def test_a_split_file_may_not_have_an_image_id_or_a_caption_twice(tmp_path):
    twice = [image_of(1, "1.jpg", 10), image_of(1, "1.jpg", 11)]
    with pytest.raises(InputError, match="image id 1 occurs 2 times, expected once"):
        read_split(written(tmp_path / "a.json", twice))
    twice = [image_of(1, "1.jpg", 10), image_of(2, "2.jpg", 10)]
    with pytest.raises(InputError, match="caption id 10 occurs 2 times, expected once"):
        read_split(written(tmp_path / "b.json", twice))


def test_a_split_with_pictures_under_running_ids_is_warned_of_with_what_it_costs(tmp_path):
    path = tmp_path / "test.json"
    write_split(path, running_split(12))
    with pytest.warns(InputWarning) as told:
        read_split(path)
    [line] = [str(one.message) for one in told]
    assert line.startswith(
        f"{path}: 12 file names stand under more than one image_id (0.jpg under 5)"
    )
    # The bound is met by scores without an error.
    perfect = np.eye(12, dtype=np.float32).repeat(PER_IMAGE, axis=1)
    assert recalls(running_ranks(perfect), "i2t", 1) == pytest.approx([20.0])
    assert "text retrieval R@1 can be 20.0 % at most" in line


def test_one_picture_of_many_that_is_there_twice_costs_little(tmp_path):
    images = [image_of(i, f"{max(i, 1)}.jpg", 2 * i, 2 * i + 1) for i in range(200)]
    with pytest.warns(InputWarning, match=r": 1 file names stand .* \(1\.jpg under 2\).* 99\.5 %"):
        read_split(written(tmp_path / "test.json", images))


def test_a_split_with_each_picture_once_is_read_without_a_word(tmp_path, recwarn):
    path = tmp_path / "test.json"
    write_split(path, right_split(12))
    assert read_split(path) == right_split(12)
    assert not recwarn.list
