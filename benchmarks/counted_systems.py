"""Each system at its published size: its parameters, and the multiply-adds of an image, a caption
and a pair, counted by torch's `FlopCounterMode` on the project's own way through it.

Models are built without data. Counted are matrix products, convolutions and attention (a causal one
as a whole one), a multiply-add as one; not norms, activations, softmax, sums, look-ups, pooling and
the choice of regions. Nothing is padded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    BeitConfig,
    BeitModel,
    BertConfig,
    BlipConfig,
    BlipForConditionalGeneration,
    CLIPConfig,
    CLIPModel,
    CLIPVisionModelWithProjection,
    Data2VecVisionConfig,
    LxmertConfig,
    ResNetConfig,
)
from transformers.models.beit.modeling_beit import BeitRelativePositionBias
from transformers.models.data2vec.modeling_data2vec_vision import Data2VecVisionRelativePositionBias

from benchmarks.lxmert_pairs import N_REGIONS
from benchmarks.xvlm_pairs import published_config
from captioning.models.blip_captioner import BlipCaptioner
from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.lstm_captioner import LstmCaptioner
from captioning.models.paper import PAPER, PaperModel
from captioning.models.prefix_captioner import PrefixCaptioner, PrefixCaptionerConfig
from information_retrieval.models.loading import BLOCK_CAPTIONS
from information_retrieval.models.lxmert import encoded_gallery as lxmert_gallery
from information_retrieval.models.lxmert import pair_blocks as lxmert_pairs
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.sx3hre.arms import Alignment
from information_retrieval.models.sx3hre.configuration import Sx3hreConfig
from information_retrieval.models.sx3hre.encoders import cut
from information_retrieval.models.sx3hre.model import Sx3hreModel
from information_retrieval.models.xvlm import encoded_gallery as xvlm_gallery
from information_retrieval.models.xvlm import pair_blocks as xvlm_pairs
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.encoders import encode_captions as encode_xvlm_captions
from information_retrieval.models.xvlm.model import XvlmModel
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.encoders.image_encoder import FrozenTower
from preprocess.encoders.towers import TOWERS
from preprocess.storage.encodings_file import Kind

# Of the 25,000 captions of COCO's test split, on average: 13.8 tokens of BERT and 13.5 of CLIP with
# their special ones, 11.9 of X-VLM, 10.4 words.
BERT_TOKENS, CLIP_TOKENS, XVLM_TOKENS = 14, 14, 12
SAID = 11  # words that a captioner says, the end among them
WORDS = 6294  # of the captioning paper's vocabulary
BLOB = 600, 800  # of COCO's most frequent size, 480 x 640, as the detector reads it
BAND = 64  # images of a tile of scores


@dataclass(frozen=True)
class System:
    """What a system costs, in multiply-adds, and its size.

    Attributes:
        parameters: its own; `frozen` those of an encoder that is not trained with it.
        image, caption: to encode one; of a captioner, to encode an image and to say a caption.
        pair: to score one of many, both encoded; 0 where none are scored.
        plain: the model's forward of a pair, of which nothing is kept, from pixels or regions on.
        listed: as `pair`, of a shortlist.
        reads_regions: that a detector finds first.
    """

    name: str
    parameters: int
    image: int
    caption: int = 0
    pair: int = 0
    plain: int = 0
    listed: int = 0
    frozen: int = 0
    reads_regions: bool = False


def count(run: Callable[..., object], *inputs: Any, **named: Any) -> int:
    """Count the multiply-adds of a call."""
    # Torch's fused attentions of a CPU are not counted; by the plain one they are two products.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run(*inputs, **named)
    return counter.get_total_flops() // 2


def size(*modules: nn.Module) -> int:
    """Count the parameters of modules."""
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def tokens(length: int) -> Tensor:
    return torch.zeros(1, length, dtype=torch.int64)


def square(side: int) -> Tensor:
    return torch.empty(1, 3, side, side)


def detector(config: DetectorConfig, blob: tuple[int, int] = BLOB) -> System:
    """Count Faster R-CNN on one image, with as many proposals as it may have."""
    with torch.device("meta"):
        model, pixels = FasterRCNN(config).eval(), torch.empty(1, 3, *blob)
        proposals = torch.empty(config.rpn_n_after_nms, 4)

        def detect() -> None:
            features = model.backbone(pixels)
            model.proposal_generator(features)
            model.roi_heads.box_predictor(model.roi_heads.pool(features, [proposals]))

        return System("its detector, Faster R-CNN", size(model), count(detect))


def lxmert(config: LxmertConfig, length: int = BERT_TOKENS) -> System:
    """Count LXMERT, its region features given."""
    with torch.device("meta"):
        model = LxmertForImageTextMatching(config).eval()
        regions = torch.empty(1, N_REGIONS, config.visual_feat_dim), torch.empty(1, N_REGIONS, 4)
        image = count(lxmert_gallery.encode_images, model, [regions])
        caption = count(lxmert_gallery.encode_captions, model, [[0] * length], 1)
        ids = tokens(length)
        plain = count(model, ids, torch.ones_like(ids), *regions)
    # Autocast, which scoring asks for, knows no meta device; a fake tensor says that it is a CPU's.
    with FakeTensorMode():
        model = LxmertForImageTextMatching(config).eval()
        n_captions = BLOCK_CAPTIONS["cpu"]
        language = torch.empty(n_captions, length, config.hidden_size)
        vision = torch.empty(BAND, N_REGIONS, config.hidden_size)

        def tile() -> None:
            projected = (lxmert_pairs.first_projections(model, x) for x in (language, vision))
            lxmert_pairs.score_block(model, language, vision, *projected)

        pair = count(tile) // (BAND * n_captions)
        listed = count(lxmert_pairs.score_pairs, model, language[:1], vision[:1])
    return System("LXMERT", size(model), image, caption, pair, plain, listed, reads_regions=True)


def dual(name: str, parameters: int, image: int, caption: int, width: int) -> System:
    """Return what two encoders cost whose vectors of `width` numbers are compared by a product."""
    plain = image + caption + width
    return System(name, parameters, image, caption, pair=width, plain=plain, listed=width)


def clip(config: CLIPConfig, length: int = CLIP_TOKENS) -> System:
    with torch.device("meta"):
        model = CLIPModel(config).eval()
        image = count(model.get_image_features, square(config.vision_config.image_size))
        caption = count(model.get_text_features, tokens(length))
    return dual("CLIP ViT-B/32", size(model), image, caption, config.projection_dim)


def xvlm_contrastive(config: XvlmConfig, length: int = XVLM_TOKENS) -> System:
    with torch.device("meta"):
        model = XvlmModel(config).eval()
        image = count(model.get_image_features, square(config.vision_config.image_size))
        caption = count(model.get_text_features, tokens(length), tokens(length))
    own = size(model) - size(model.text_encoder.fusion_layers, model.itm_head)
    return dual("X-VLM, contrastive half", own, image, caption, config.embedding_dim)


def xvlm_matching(config: XvlmConfig, length: int = XVLM_TOKENS) -> System:
    """Count X-VLM with its fusion layers and matching head; what each item is read by, with it."""
    with torch.device("meta"):
        model, ids = XvlmModel(config).eval(), tokens(length)
        seen = torch.empty(BAND, 1 + config.grid_size**2, config.vision_config.hidden_size)
        hidden = torch.empty(1, length, config.text_config.hidden_size)
        image = count(model.vision_encoder, square(config.vision_config.image_size))
        fused = count(lambda: model.match(model.text_encoder.fuse(hidden, ids, seen[:1])))
        plain = image + count(model.text_encoder.encode, ids, ids) + fused
        image += count(xvlm_pairs.read_images, model, seen[:1])
        caption = count(encode_xvlm_captions, model, [[0] * length], 1)
    with FakeTensorMode():  # as of LXMERT
        model = XvlmModel(config).eval()
        n_captions = xvlm_gallery.BLOCK_CAPTIONS["cpu"]
        said = torch.empty(n_captions, length, config.text_config.hidden_size)
        readings = xvlm_pairs.read_images(model, torch.empty(*seen.shape))

        def block(n_images: int) -> None:
            read = [reading[:n_images] for reading in readings]
            xvlm_pairs.score_block(model, xvlm_pairs.make_ready(model, said), read)

        pair, listed = (count(block, n) // (n * n_captions) for n in (BAND, 1))
    return System("X-VLM, matching half", size(model), image, caption, pair, plain, listed)


def sx3hre_config(alignment: Alignment) -> Sx3hreConfig:
    """Return what `init_sx3hre` makes by default: six layers of Data2Vec's and BERT's, and one."""
    encoders = cut(Data2VecVisionConfig(), 6), cut(BertConfig(), 6)
    return Sx3hreConfig(vision_config=encoders[0], text_config=encoders[1], alignment=alignment)


def keep_positions(bias: Any, config: Any) -> None:
    """Have HF keep the relative positions of a window: of those made without data, which it would
    keep as well, real models of this process would read what lies in memory."""
    bias.generate_relative_position_index((config.image_size // config.patch_size,) * 2)


def sx3hre(name: str, config: Sx3hreConfig, length: int = BERT_TOKENS) -> System:
    keep_positions(Data2VecVisionRelativePositionBias, config.vision_config)
    with torch.device("meta"):
        model = Sx3hreModel(config).eval()
        image = count(model.get_image_features, square(config.vision_config.image_size))

        def encode_text() -> None:  # as `encode_texts`, which wants a mask with data in it
            model.shared(model.text_encoder(input_ids=tokens(length)).last_hidden_state)

        caption = count(encode_text)
    return dual(name, size(model), image, caption, config.hidden_size)


def beit2() -> System:
    config = BeitConfig(use_shared_relative_position_bias=True, use_mean_pooling=False)
    keep_positions(BeitRelativePositionBias, config)
    with torch.device("meta"):
        model = FrozenTower(BeitModel(config))
        return System("its teacher, BEiT-2", size(model), count(model, square(config.image_size)))


def said_by(captioner: Any, encodings: Tensor, n_words: int = SAID) -> int:
    """Count a caption said greedily, of an image's encoding."""

    def say() -> None:
        _, state = captioner.begin(encodings)
        for _ in range(n_words - 1):  # the first is known from the image
            _, state = captioner.advance(torch.zeros(1, dtype=torch.int64), state)

    return count(say)


def lstm_captioner(name: str, paper: PaperModel) -> System:
    """Count a captioner of the paper, and the frozen encoder that it reads."""
    config = LstmCaptionerConfig(vocab_size=WORDS, **PAPER[paper])
    kind: Kind = PAPER[paper]["encoder_kind"]
    with torch.device("meta"):
        model, encoder = LstmCaptioner(config).eval(), frozen_encoder(kind)
        encodings = encoder(square(224))
        image = count(encoder, square(224))
        caption = said_by(model, encodings)
    return System(name, size(model), image, caption, frozen=size(encoder))


def frozen_encoder(kind: Kind) -> FrozenTower:
    """Make ResNet-50, for its vector, or the tower of CLIP ViT-B/32."""
    if kind == "vector":
        return FrozenTower(TOWERS["resnet"](ResNetConfig()), kind)
    tower = TOWERS["clip"] if kind == "tokens" else CLIPVisionModelWithProjection
    return FrozenTower(tower(CLIPConfig().vision_config), kind)


def clipcap() -> System:
    with torch.device("meta"):
        encoder = frozen_encoder("embedding")
        model = PrefixCaptioner(PrefixCaptionerConfig()).eval()
        image = count(encoder, square(224))
        caption = said_by(model, torch.empty(1, model.config.image_width))
    return System("CLIP, prefix to GPT-2", size(model), image, caption, frozen=size(encoder))


def blip() -> System:
    with torch.device("meta"):
        model, prompt = BlipForConditionalGeneration(BlipConfig()).eval(), [0, 0, 0]
        pixels = square(model.config.vision_config.image_size)
        image = count(model.vision_model, pixels)
        caption = said_by(BlipCaptioner(model, prompt), pixels) - image
    return System("BLIP base, captioner", size(model), image, caption)


def systems() -> list[System]:
    """Count every system at its published size: 10 seconds."""
    return [
        lxmert(LxmertConfig()),
        detector(DetectorConfig()),
        clip(CLIPConfig()),
        xvlm_contrastive(published_config()),
        xvlm_matching(published_config()),
        sx3hre("Sx3HRe, itc", sx3hre_config("itc")),
        sx3hre("Sx3HRe, cosine and none", sx3hre_config("none")),
        beit2(),
        lstm_captioner("CNN+LSTM", "cnn_lstm"),
        lstm_captioner("CLIP+LSTM", "clip_lstm"),
        lstm_captioner("CLIP + attention", "clip_attention"),
        clipcap(),
        blip(),
    ]
