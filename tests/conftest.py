"""Small random data and models, made anew for each test that asks: nothing is downloaded."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    BertTokenizer,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    LxmertConfig,
)

from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from preprocess.base.command_line import run_command
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split, write_split
from preprocess.storage.features_writer import FeaturesWriter
from preprocess.storage.images_file import write_images_file

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
WORDS = [
    "a",
    "the",
    "red",
    "blue",
    "green",
    "cat",
    "dog",
    "house",
    "tree",
    "car",
    "on",
    "in",
    "under",
    "big",
    "small",
    "two",
    "and",
    "near",
]
N_REGIONS, FEATURE_DIM = 6, 16


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--card",
        default="cuda",
        help="what the tests marked gpu run on; cpu to try them where there is no GPU",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first, beside the others, what waits for Slurm's jobs for minutes."""
    items.sort(key=lambda item: "slurm" not in item.path.parts)


def pytest_terminal_summary(terminalreporter) -> None:
    """Tell what was skipped in a line a reason, and not a line a test."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, n_tests in reasons.most_common():
        terminalreporter.write_line(f"skipped {n_tests}: {reason}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real COCO data beside the project; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real data in ../shared/data, which is not here")
    return SHARED_DATA


def make_split(n_images: int, name: str = "train", first_id: int = 100, seed: int = 0) -> Split:
    """A split of 1 to 3 captions an image, 3 to 9 words each."""
    generator = np.random.default_rng((seed, first_id))
    images, caption_id = [], 10 * first_id
    for image_id in range(first_id, first_id + n_images):
        captions = []
        for _ in range(generator.integers(1, 4)):
            words = generator.choice(WORDS, size=generator.integers(3, 10))
            captions.append(Caption(caption_id, " ".join(words)))
            caption_id += 1
        images.append(CaptionedImage(image_id, f"{name}/{image_id}.jpg", tuple(captions)))
    return Split("tiny", name, "made by a test", tuple(images))


def named(split: Split, name: str) -> Split:
    """The split as one whose source calls its images name_0, name_1, ...: the ids are 1, 2, ..."""
    images = tuple(
        replace(image, image_id=number, source_id=f"{name}_{number - 1}")
        for number, image in enumerate(split.images, start=1)
    )
    return replace(split, images=images)


def write_features(path: Path, split: Split, seed: int = 0) -> None:
    """A complete features file of random regions for a split."""
    generator = np.random.default_rng(seed)
    attributes = {"extractor": "random", "weights": "", "weights_sha256": "", "settings": "{}"}
    with FeaturesWriter(
        path,
        split.image_ids,
        N_REGIONS,
        FEATURE_DIM,
        "float32",
        attributes,
        split.source_ids,
    ) as writer:
        for row in range(len(split.images)):
            writer.write(row, **random_row(generator))
        writer.finish()


def random_row(generator: np.random.Generator) -> dict[str, np.ndarray]:
    """One image's arrays of a features file."""
    return {
        "visual_feats": generator.normal(size=(N_REGIONS, FEATURE_DIM)).astype(np.float32),
        "visual_pos": np.sort(generator.random((N_REGIONS, 4)).astype(np.float32), axis=1),
        "image_sizes": np.array([48, 64], np.int32),
        "object_ids": generator.integers(0, 10, N_REGIONS),
        "object_scores": generator.random(N_REGIONS),
        "attribute_ids": generator.integers(0, 5, N_REGIONS),
        "attribute_scores": generator.random(N_REGIONS),
        "n_fillers": generator.integers(0, 3),
        "source_crc32": generator.integers(0, 2**32, dtype=np.uint32),
    }


def write_image_files(root: Path, split: Split, seed: int = 0) -> None:
    """A small random JPEG file for each image of a split."""
    generator = np.random.default_rng(seed)
    for image in split.images:
        path = root / image.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 48), Image.Resampling.BICUBIC).save(path, quality=90)


def make_lxmert(seed: int = 0, perturb: bool = True, **config) -> LxmertForImageTextMatching:
    """A tiny LXMERT; biases and norms are perturbed so that every weight moves the scores."""
    torch.manual_seed(seed)
    sizes = {
        "vocab_size": 40,
        "hidden_size": 32,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "l_layers": 2,
        "r_layers": 1,
        "x_layers": 2,
        "visual_feat_dim": FEATURE_DIM,
        "max_position_embeddings": 80,
    }
    model = LxmertForImageTextMatching(LxmertConfig(**{**sizes, **config})).eval()
    if perturb:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def bert_tokenizer(folder: Path) -> BertTokenizer:
    """A WordPiece tokenizer of the words above, in lower case, with letters as pieces."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    pieces += [letter for letter in letters if letter not in pieces]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    return BertTokenizer.from_pretrained(folder)


def save_lxmert(folder: Path, **config) -> Path:
    """A tiny LXMERT checkpoint folder with its tokenizer."""
    tokenizer = bert_tokenizer(folder)
    make_lxmert(vocab_size=len(tokenizer), **config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_clip(folder: Path, seed: int = 0) -> Path:
    """A tiny CLIP checkpoint folder with its processor; the vocabulary is single letters."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [*letters, *(f"{letter}</w>" for letter in letters)]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[])
    image_processor = CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    CLIPProcessor(image_processor, tokenizer).save_pretrained(folder)
    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4}
    config = CLIPConfig(
        text_config={
            **sizes,
            "num_hidden_layers": 2,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 77,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={**sizes, "num_hidden_layers": 2, "image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    CLIPModel(config).save_pretrained(folder)
    return folder


def write_images_of(folder: Path, name: str) -> None:
    """`{name}_images.h5` of a folder of data, from its image files."""
    split = read_split(folder / f"{name}.json")
    encoded = [(folder / "images" / image.file_name).read_bytes() for image in split.images]
    path = folder / f"{name}_images.h5"
    write_images_file(path, split.image_ids, encoded, source_ids=split.source_ids)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder of splits train, val, minival and test with features and image files."""
    return write_data_dir(tmp_path / "data")


def write_data_dir(folder: Path) -> Path:
    """The same, where a test says."""
    for first_id, (name, n_images) in enumerate((("train", 8), ("val", 5), ("test", 6)), start=1):
        split = make_split(n_images, name, first_id=1000 * first_id)
        write_split(folder / f"{name}.json", split)
        write_features(folder / f"{name}_features.h5", split, seed=first_id)
        write_image_files(folder / "images", split, seed=first_id)
        if name == "val":
            minival = Split("tiny", "minival", "made by a test", split.images[:4])
            write_split(folder / "minival.json", minival)
    return folder


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Run a command's `main` in this process; return its exit status (0 or the error line)."""

    def run(main, *arguments) -> str | int:
        monkeypatch.setattr("sys.argv", ["command", *map(str, arguments)])
        try:
            run_command(main)
        except SystemExit as stop:
            return stop.code
        return 0

    return run


def assert_one_clear_line(status: str | int, *expected: str) -> None:
    """The command stopped with one error line that has every expected part."""
    assert isinstance(status, str), f"expected an error line, found exit status {status}"
    assert status.startswith("error: ")
    assert "\n" not in status
    for part in expected:
        assert str(part) in status
