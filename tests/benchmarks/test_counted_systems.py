"""The counted systems: small ones against sums by hand, published sizes against their records."""

import json
import math

import pytest
import torch
from transformers import CLIPConfig, LxmertConfig
from transformers.models.beit.modeling_beit import BeitRelativePositionBias
from transformers.models.data2vec.modeling_data2vec_vision import Data2VecVisionRelativePositionBias

from benchmarks.counted_systems import (
    BAND,
    N_REGIONS,
    beit2,
    clip,
    count,
    detector,
    lxmert,
    said_by,
    size,
    sx3hre,
    sx3hre_config,
    xvlm_contrastive,
    xvlm_matching,
)
from benchmarks.gpu.xvlm import TINY
from benchmarks.xvlm_pairs import flop_of_pair, published_config
from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.lstm_captioner import LstmCaptioner
from information_retrieval.models.loading import BLOCK_CAPTIONS
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.sx3hre.model import Sx3hreModel
from information_retrieval.models.xvlm.model import XvlmModel
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN

LENGTH = 5


def attention(width: int, queries: int, keys: int) -> int:
    """Queries and output of some tokens, keys and values of others, and the two products."""
    return 2 * width**2 * (queries + keys) + 2 * queries * keys * width


def layer(width: int, inner: int, length: int) -> int:
    return attention(width, length, length) + 2 * width * inner * length


def test_a_matrix_product_is_its_multiply_adds_and_an_attention_two_of_them():
    with torch.device("meta"):
        left, right = torch.empty(2, 3), torch.empty(3, 5)
        assert count(torch.mm, left, right) == 2 * 3 * 5
        q, k = torch.empty(1, 2, 7, 4), torch.empty(1, 2, 9, 4)
        attend = torch.nn.functional.scaled_dot_product_attention
        assert count(attend, q, k, k) == 2 * (2 * 7 * 9 * 4)


def test_a_small_clip_costs_what_a_hand_counts():
    tower = {"hidden_size": 8, "intermediate_size": 24, "num_attention_heads": 2}
    config = CLIPConfig(
        vision_config={**tower, "num_hidden_layers": 3, "image_size": 16, "patch_size": 4},
        text_config={**tower, "num_hidden_layers": 2, "vocab_size": 50},
        projection_dim=6,
    )
    found = clip(config, LENGTH)
    patches = 16  # and the class token
    assert found.image == patches * 3 * 4 * 4 * 8 + 3 * layer(8, 24, 1 + patches) + 8 * 6
    assert found.caption == 2 * layer(8, 24, LENGTH) + 8 * 6
    assert found.pair == found.listed == 6
    assert found.plain == found.image + found.caption + found.pair


def test_a_small_lxmert_costs_what_a_hand_counts():
    h, f, d = 8, 24, 10
    config = LxmertConfig(
        hidden_size=h,
        intermediate_size=f,
        num_attention_heads=2,
        visual_feat_dim=d,
        l_layers=3,
        r_layers=2,
        x_layers=2,
        vocab_size=50,
    )
    found = lxmert(config, LENGTH)
    assert found.image == N_REGIONS * (d + 4) * h + 2 * layer(h, f, N_REGIONS)
    assert found.caption == 3 * layer(h, f, LENGTH)
    reads, is_read = attention(h, LENGTH, N_REGIONS), attention(h, N_REGIONS, LENGTH)
    both = layer(h, f, LENGTH) + layer(h, f, N_REGIONS)
    head = h * h + h * 2 * h + 2 * h  # the pooler, and the two layers
    assert found.plain == found.image + found.caption + 2 * (reads + is_read + both) + head
    first_word = attention(h, 1, LENGTH) + 2 * h * f
    assert found.listed == reads + is_read + both + reads + first_word + head
    # In a tile, the first projections are made once a caption and once an image.
    projected = 3 * h * h * LENGTH, 3 * h * h * N_REGIONS
    shared = projected[0] / BAND + projected[1] / BLOCK_CAPTIONS["cpu"]
    assert found.pair == math.floor(found.listed - sum(projected) + shared)


def test_a_small_xvlm_costs_what_its_benchmark_computes():
    whole, half = xvlm_matching(TINY, LENGTH), xvlm_contrastive(TINY, LENGTH)
    width, image_width = TINY.text_config.hidden_size, TINY.vision_config.hidden_size
    head = width * 2 * width + 2 * width * 2
    expected = flop_of_pair(TINY, LENGTH, plain=False) / 2 + head
    assert whole.pair == pytest.approx(expected, rel=0.01)
    fused = flop_of_pair(TINY, LENGTH, plain=True) / 2 + head
    encoders = half.image + half.caption - (image_width + width) * TINY.embedding_dim
    assert whole.plain == pytest.approx(encoders + fused, rel=0.01)
    layers = TINY.text_config.num_hidden_layers - TINY.n_text_layers
    keys_and_values = 2 * layers * (1 + TINY.grid_size**2) * image_width * width
    assert whole.image == half.image - image_width * TINY.embedding_dim + keys_and_values
    assert whole.listed > whole.pair > half.pair == TINY.embedding_dim
    assert whole.parameters > half.parameters


def test_a_small_captioner_costs_what_a_hand_counts():
    words, steps = 20, 4
    config = LstmCaptionerConfig(
        vocab_size=words, image_width=6, word_width=8, hidden_size=10, num_layers=2
    )
    with torch.device("meta"):
        found = said_by(LstmCaptioner(config).eval(), torch.empty(1, 6), steps)
    cells = 4 * 10 * (8 + 10) + 4 * 10 * (10 + 10)
    assert found == 6 * 8 + (1 + steps) * cells + steps * 10 * words  # the image, then the words


def test_a_detector_costs_more_by_its_proposals_and_its_pixels():
    config = DetectorConfig(
        stem_channels=4,
        stage_blocks=(1, 1, 1, 1),
        stage_widths=(2, 2, 2, 2),
        stage_channels=(4, 4, 4, 4),
        rpn_channels=4,
        rpn_n_after_nms=40,
        n_objects=5,
        n_attributes=0,
    )
    more = DetectorConfig(**{**vars(config), "rpn_n_after_nms": 80})
    small, proposals, pixels = detector(config), detector(more), detector(config, (600, 1000))
    # Of a region: res5 on 14 x 14 cells, then 6 classes and 20 deltas.
    of_region = 14 * 14 * (4 * 2 + 9 * 2 * 2 + 2 * 4) + 4 * 6 + 4 * 20
    assert proposals.image - small.image == 40 * of_region
    assert pixels.image > small.image
    assert small.parameters == pixels.parameters


def test_models_have_the_parameters_that_are_recorded_of_them(shared_data):
    with torch.device("meta"):
        assert size(XvlmModel(published_config())) == 213_959_547
        # Of the notes' parts: BERT's and Data2Vec's six layers, the shared block, the norm.
        arm = 66_364_416 + 43_123_200 + 7_088_640 + 1_536
        assert size(Sx3hreModel(sx3hre_config("none"))) == arm
        head = 592_128 - 1_536  # its linear layer, without the norm; and two scales
        assert size(Sx3hreModel(sx3hre_config("itc"))) == arm + head + 2
        detector_model = FasterRCNN(DetectorConfig())
    published = shared_data / "frcnn_reference" / "state_dict_shapes.json"
    shapes = json.loads(published.read_text("utf-8"))
    weights = {k: v for k, v in shapes.items() if not k.endswith(("_mean", "_var", "_tracked"))}
    assert size(detector_model) == sum(map(math.prod, weights.values()))


def test_lxmert_has_the_parameters_that_its_configuration_tells():
    with torch.device("meta"):
        found = size(LxmertForImageTextMatching(LxmertConfig()))
    h, f = 768, 3072
    norm, square = 2 * h, h * h + h
    attend, forward = 4 * square + norm, 2 * h * f + f + h + norm
    words = (30_522 + 512 + 2) * h + norm
    regions = (2048 * h + h) + (4 * h + h) + 2 * norm
    cross = 3 * attend + 2 * forward  # one attention both ways, one of words, one of regions
    head = square + (2 * h * h + 2 * h) + 4 * h + (2 * h + 1)  # pooler; linear, norm, linear
    assert found == words + regions + 14 * (attend + forward) + 5 * cross + head == 209_122_561


def test_a_model_of_this_process_reads_real_positions_after_one_without_data_was_counted():
    for forget in (BeitRelativePositionBias, Data2VecVisionRelativePositionBias):
        for side in range(1, 11):  # HF keeps ten windows
            forget.generate_relative_position_index((side, side))
    beit2()
    sx3hre("sx3hre", sx3hre_config("none"))
    for bias in (BeitRelativePositionBias, Data2VecVisionRelativePositionBias):
        assert bias.generate_relative_position_index((14, 14)).device.type == "cpu"
