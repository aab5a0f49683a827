"""What an Sx3HRe's configuration keeps."""

import json

import pytest
from transformers import AutoConfig, BertConfig, Data2VecVisionConfig

from information_retrieval.models.checkpoint import load_config
from information_retrieval.models.sx3hre.configuration import Sx3hreConfig
from information_retrieval.models.sx3hre.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from tests.information_retrieval.models.sx3hre.tiny import WIDTH, make_config


@pytest.mark.parametrize("image", IMAGE_ENCODERS)
@pytest.mark.parametrize("text", TEXT_ENCODERS)
def test_a_saved_configuration_is_the_same_again(tmp_path, image, text):
    config = make_config(image, text, alignment="itc", compared="output", teacher="sha256:1")
    config.save_pretrained(tmp_path)
    found = load_config(str(tmp_path))
    assert isinstance(found, Sx3hreConfig)
    history = ("_name_or_path", "transformers_version")
    values, expected = (
        {k: v for k, v in c.to_dict().items() if k not in history} for c in (found, config)
    )
    assert values == expected
    assert (found.vision_config.model_type, found.text_config.model_type) == (image, text)
    assert (found.alignment, found.compared, found.teacher) == ("itc", "output", "sha256:1")
    assert found.hidden_size == WIDTH


def test_the_defaults_are_the_chapters():
    config = Sx3hreConfig()
    assert isinstance(config.vision_config, Data2VecVisionConfig)
    assert isinstance(config.text_config, BertConfig)
    assert (config.num_attention_heads, config.intermediate_size) == (12, 3072)
    assert (config.layer_scale, config.layer_norm_eps, config.max_tokens) == (0.2, 1e-6, 64)
    assert (config.alignment, config.compared, config.teacher) == ("none", "normed", None)
    assert AutoConfig.for_model("sx3hre").hidden_size == 768


def test_encoders_are_taken_by_their_values_too():
    values = json.loads(make_config("beit", "roberta").to_json_string())
    again = Sx3hreConfig(**values)
    assert again.vision_config.model_type == "beit"
    assert again.text_config.to_dict() == make_config("beit", "roberta").text_config.to_dict()
