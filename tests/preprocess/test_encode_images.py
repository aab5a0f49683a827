"""The command that encodes a split's images once: resumed, verified, refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, CLIPConfig, CLIPModel, CLIPVisionModel

from preprocess.encode_images import main
from preprocess.storage.encodings_file import EncodingsFile, EncodingsWriter
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.conftest import assert_one_clear_line, save_clip
from tests.preprocess.encoders.small_images import write_small_images
from tests.preprocess.encoders.tiny_beit import published_state, save_beit
from tests.preprocess.test_killed_extraction import kill_after, n_done, wait_until_unlocked

ROOT = Path(__file__).resolve().parents[2]
N_IMAGES = 11


@pytest.fixture
def options(tmp_path) -> list:
    """The command's options but for the output, which is their last."""
    images = write_small_images(tmp_path / "test_images.h5", N_IMAGES)
    encoder = save_beit(tmp_path / "beit")
    words = {"--encoder": encoder, "--images": images, "--batch_size": 4, "--num_workers": 0}
    return [word for pair in words.items() for word in pair] + ["--output"]


def test_every_image_is_encoded_once_and_a_finished_file_is_left_as_it_is(
    tmp_path, options, run_main, capsys, monkeypatch
):
    output = tmp_path / "test_targets.h5"
    assert run_main(main, *options, output) == 0
    assert f"wrote {output}: 11 images, 24 numbers each" in capsys.readouterr().out
    before = output.read_bytes()
    monkeypatch.setattr(EncodingsWriter, "write", None)
    assert run_main(main, *options, output) == 0
    assert "encoded already; left as it is" in capsys.readouterr().out
    assert output.read_bytes() == before


def test_clips_vectors_are_those_of_hf(tmp_path, options, run_main):
    folder, output = save_clip(tmp_path / "clip"), tmp_path / "e.h5"
    assert run_main(main, *options, output, "--encoder", folder) == 0
    model = CLIPModel.from_pretrained(folder).eval()
    encodings = EncodingsFile(output)
    assert encodings.attributes["encoder"] == "clip"
    images = ImagesFile(tmp_path / "test_images.h5")
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    for image_id in images.image_ids[:3]:
        pixels = processor(images.read(image_id), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            expected = model.vision_model(pixel_values=pixels).pooler_output[0]
        np.testing.assert_allclose(encodings.read(image_id), expected, atol=1e-5)


def test_tokens_are_those_of_hf_in_half_precision_and_their_size_is_told(
    tmp_path, options, run_main, capsys
):
    folder, output = save_clip(tmp_path / "clip"), tmp_path / "tokens.h5"
    assert run_main(main, *options, output, "--encoder", folder, "--kind", "tokens") == 0
    assert f"wrote {output}: 11 images, 17 x 32 numbers each" in capsys.readouterr().out
    tokens, model = EncodingsFile(output), CLIPVisionModel.from_pretrained(folder).eval()
    assert (tokens.kind, tokens.shape, tokens.dtype) == ("tokens", (17, 32), "float16")
    images = ImagesFile(tmp_path / "test_images.h5")
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    for image_id in images.image_ids[:3]:
        pixels = processor(images.read(image_id), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            expected = model(pixel_values=pixels).last_hidden_state[0]
        np.testing.assert_allclose(tokens.read(image_id), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["vector", "tokens"])
@pytest.mark.parametrize("n_before", [1, 4, 6, 10])
def test_interrupted_after_any_row_it_goes_on_to_the_same_bytes(
    tmp_path, options, run_main, monkeypatch, n_before, kind
):
    if kind == "tokens":
        options = ["--kind", kind, *options]
        options[options.index("--encoder") + 1] = save_clip(tmp_path / "clip")
    whole, stopped = tmp_path / "whole.h5", tmp_path / "stopped.h5"
    assert run_main(main, *options, whole) == 0
    write = EncodingsWriter.write
    written = []

    def write_some(self, row, **arrays):
        if len(written) == n_before:
            raise KeyboardInterrupt
        written.append(row)
        write(self, row, **arrays)

    with monkeypatch.context() as patched:
        patched.setattr(EncodingsWriter, "write", write_some)
        assert run_main(main, *options, stopped) == 130
    assert run_main(main, *options, stopped) == 0
    assert stopped.read_bytes() == whole.read_bytes()


@pytest.mark.long
def test_killed_it_goes_on_at_once_to_the_same_bytes(tmp_path, options):
    write_small_images(tmp_path / "test_images.h5", 400)
    options = [*map(str, options[:-1]), "--num_workers", "2", "--output"]

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "preprocess.encode_images", *options, str(output)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole.h5", tmp_path / "killed.h5"
    assert start(whole).wait() == 0
    kill_after(start(killed), killed, n_images=50)
    # Workers that look for their parent, every 5 s, would keep it locked longer.
    wait_until_unlocked(killed, seconds=2)
    assert 50 <= n_done(killed) < 400
    assert start(killed).wait() == 0
    assert killed.read_bytes() == whole.read_bytes()


def test_damage_is_found_and_mended_with_verify_alone(tmp_path, options, run_main, capsys):
    output = tmp_path / "e.h5"
    assert run_main(main, *options, output) == 0
    whole = output.read_bytes()
    with h5py.File(output, "r+") as file:
        file["encodings"][5, 3] += 1
    assert run_main(main, *options, output) == 0
    assert output.read_bytes() != whole
    assert run_main(main, *options, output, "--verify") == 0
    assert "1 images do not match their checksums, and are made again" in capsys.readouterr().out
    assert output.read_bytes() == whole


def test_an_output_of_another_encoder_or_other_images_is_refused(tmp_path, options, run_main):
    output = tmp_path / "e.h5"
    assert run_main(main, *options, output) == 0
    before = output.read_bytes()
    (tmp_path / "other").mkdir()
    other = save_beit(tmp_path / "other" / "beit", published_state(seed=1))
    images = write_small_images(tmp_path / "images.h5", N_IMAGES, damaged=(2,))
    for changed, said in (
        (("--encoder", other), "other weights_sha256 (expected sha256:"),
        (("--images", images), "other images_sha256 (expected "),
        (("--dtype", "float16"), "other dtype (expected float16, found float32)"),
    ):
        assert_one_clear_line(run_main(main, *options, output, *changed), output, said)
    assert output.read_bytes() == before


def test_an_output_of_another_kind_is_refused_though_its_numbers_are_as_many(
    tmp_path, options, run_main
):
    clip, output = save_clip(tmp_path / "clip"), tmp_path / "e.h5"
    config = json.loads((clip / "config.json").read_text())
    model = CLIPModel(CLIPConfig.from_dict({**config, "projection_dim": 32}))
    model.save_pretrained(clip)
    given = (*options, output, "--encoder", clip)
    assert run_main(main, *given) == 0
    status = run_main(main, *given, "--kind", "embedding")
    assert_one_clear_line(status, output, "other kind (expected embedding, found vector)")


def test_a_damaged_image_is_named_and_the_others_are_kept(tmp_path, options, run_main):
    write_small_images(tmp_path / "test_images.h5", N_IMAGES, damaged=(2, 9))
    output = tmp_path / "e.h5"
    for _ in range(2):
        assert_one_clear_line(
            run_main(main, *options, output),
            "2 of 11 images gave no encodings",
            "image 109: expected a whole image file",
            "image 102: ",
            "marked incomplete",
        )
        assert n_done(output) == 9


def test_bad_input_is_one_line_and_writes_nothing(tmp_path, options, run_main):
    output = tmp_path / "e.h5"
    for changed, said in (
        (("--encoder", tmp_path / "none"), "expected an HF checkpoint folder or hub id"),
        (("--images", tmp_path / "none.h5"), "no such file; make it with"),
        (("--batch_size", "0"), "--batch_size: expected at least 1"),
        (("--device", "moon"), "--device moon"),
    ):
        assert_one_clear_line(run_main(main, *options, output, *changed), said)
    assert not output.exists()


def test_the_names_of_the_images_are_handed_on(tmp_path, options, run_main):
    plain = ImagesFile(tmp_path / "test_images.h5")
    encoded = [plain.read_encoded(image_id) for image_id in plain.image_ids]
    names = [f"photo_{n}" for n in range(N_IMAGES)]
    (tmp_path / "test_images.h5").unlink()
    write_images_file(tmp_path / "test_images.h5", plain.image_ids, encoded, source_ids=names)
    assert run_main(main, *options, tmp_path / "e.h5") == 0
    assert EncodingsFile(tmp_path / "e.h5").source_ids == names
