"""The command that makes an X-VLM to pre-train."""

import pytest
from transformers import BlipImageProcessorPil

from information_retrieval.init_xvlm import main
from information_retrieval.models.checkpoint import load_model, load_processor, load_tokenizer
from tests.conftest import assert_one_clear_line, bert_tokenizer
from tests.information_retrieval.models.xvlm.test_initialisation import bert, swin


@pytest.fixture
def encoders(tmp_path):
    tokenizer = bert_tokenizer(tmp_path / "bert")
    bert(vocab_size=len(tokenizer)).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    swin().save_pretrained(tmp_path / "swin")
    return ["--image_encoder", tmp_path / "swin", "--text_encoder", tmp_path / "bert"]


def test_a_folder_is_made_with_all_that_a_model_needs(run_main, encoders, tmp_path, capsys):
    output = tmp_path / "runs" / "init"
    assert run_main(main, *encoders, "--output", output, "--embedding_dim", 12) == 0
    assert f"wrote {output}: X-VLM for images of 64 x 64 pixels" in capsys.readouterr().out
    model = load_model(str(output))
    assert (model.config.has_box_head, model.config.has_mlm_head) == (True, True)
    tokenizer = load_tokenizer(str(output), model.config.text_config.vocab_size)
    assert tokenizer("a cat")["input_ids"][0] == tokenizer.cls_token_id
    assert tokenizer("a cat")["input_ids"][-1] == tokenizer.convert_tokens_to_ids("cat")
    assert load_processor(str(output)).image_processor.size == {"height": 64, "width": 64}


def test_a_folder_is_made_anew_for_larger_images(run_main, encoders, tmp_path):
    first, second = tmp_path / "init", tmp_path / "larger"
    assert run_main(main, *encoders, "--output", first) == 0
    assert run_main(main, "--xvlm", first, "--image_size", 96, "--output", second) == 0
    assert load_model(str(second)).config.vision_config.image_size == 96
    assert load_processor(str(second)).image_processor.size == {"height": 96, "width": 96}


def test_the_normalisation_of_the_given_xvlm_stays(run_main, encoders, tmp_path):
    first, second = tmp_path / "init", tmp_path / "larger"
    assert run_main(main, *encoders, "--output", first) == 0
    processor = load_processor(str(first))
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    processor.image_processor = BlipImageProcessorPil(
        size=processor.image_processor.size, image_mean=[*mean], image_std=[*std]
    )
    processor.save_pretrained(first)
    assert run_main(main, "--xvlm", first, "--image_size", 96, "--output", second) == 0
    found = load_processor(str(second)).image_processor
    assert (tuple(found.image_mean), tuple(found.image_std)) == (mean, std)
    assert found.size == {"height": 96, "width": 96}


def test_an_xvlm_of_one_size_of_images_is_one_clear_line(run_main, encoders, tmp_path):
    swin(use_absolute_embeddings=True).save_pretrained(tmp_path / "swin")
    first, second = tmp_path / "init", tmp_path / "larger"
    assert run_main(main, *encoders, "--output", first) == 0
    status = run_main(main, "--xvlm", first, "--image_size", 96, "--output", second)
    assert_one_clear_line(status, f"--xvlm {first}: --image_size 96", "use_absolute_embeddings")
    assert not second.exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--seed", 1), ("--embedding_dim", 12), ("--n_text_layers", 2)]
)
def test_options_of_new_weights_are_refused_with_an_xvlm(run_main, tmp_path, option, value):
    given = ("--xvlm", tmp_path, "--image_size", 96, "--output", tmp_path / "larger")
    status = run_main(main, *given, option, value)
    assert_one_clear_line(status, f"{option} {value}: belongs to --image_encoder", "leave it out")


def test_bad_options_are_one_line_and_write_nothing(run_main, encoders, tmp_path):
    output = ["--output", tmp_path / "runs" / "init"]
    status = run_main(main, *encoders[:2], *output)
    assert_one_clear_line(status, "--image_encoder and --text_encoder, or --xvlm")
    status = run_main(main, "--xvlm", tmp_path, *output)
    assert_one_clear_line(status, "--image_size")
    status = run_main(main, *encoders, *output, "--image_size", 50)
    assert_one_clear_line(status, "multiple of 16")
    status = run_main(main, *encoders, *output, "--n_text_layers", 4)
    assert_one_clear_line(status, "--n_text_layers", "1 to 3")
    status = run_main(main, "--xvlm", encoders[1], "--image_size", 64, *output)
    assert_one_clear_line(status, "swin")
    assert not (tmp_path / "runs").exists()
    (tmp_path / "runs" / "init").mkdir(parents=True)
    (tmp_path / "runs" / "init" / "a").touch()
    assert_one_clear_line(run_main(main, *encoders, *output), "exists")
