"""Where X-VLM sees what a caption says: the box that its box head predicts in a whole image."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.ops import box_convert
from tqdm import tqdm

from information_retrieval.models.xvlm.model import XvlmModel


@torch.inference_mode()
def predicted_boxes(
    model: XvlmModel,
    token_ids: Sequence[Sequence[int]],
    images: Dataset,
    pairs: np.ndarray,
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    num_workers: int = 0,
    show_progress: bool = False,
) -> np.ndarray:
    """Predict the box of each pair's caption in its image; each image is encoded once.

    Images are squeezed to squares, so that shares of one side or the other stay what they are.

    Args:
        model: in eval mode, with a box head, on the device to compute on.
        token_ids: of each caption, without [SEP].
        images: the pixels of each, (3, image_size, image_size).
        pairs: (n, 2) int64, rows of `images` and of `token_ids`, in any order.
        dtype: float32, or the type to autocast to.
        batch_size: images, and pairs, at once.
        num_workers: processes that read images.

    Returns:
        (n, 4) float32: x1 y1 x2 y2 as shares of the image's width and height, in [0, 1].

    Raises:
        InputError: pixels of another size than the model reads.
    """
    rows, image_of = np.unique(pairs[:, 0], return_inverse=True)  # image_of: (n,) into `rows`
    batches = DataLoader(
        Subset(images, rows.tolist()),
        batch_size,
        num_workers=num_workers,
        pin_memory=model.device.type == "cuda",
    )
    boxes = np.empty((len(pairs), 4), np.float32)
    bars = tqdm(batches, desc="predicting boxes", unit="batch", disable=not show_progress)
    for number, pixels in enumerate(bars):
        first = number * batch_size
        with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
            image_tokens = model.vision_encoder(pixels.to(model.device, non_blocking=True))
        [of_batch] = np.nonzero((first <= image_of) & (image_of < first + len(pixels)))
        for start in range(0, len(of_batch), batch_size):
            chosen = of_batch[start : start + batch_size]
            texts = [token_ids[column] for column in pairs[chosen, 1]]
            in_batch = torch.from_numpy(image_of[chosen] - first).to(model.device)
            boxes[chosen] = _boxes(model, texts, image_tokens[in_batch], dtype).cpu().numpy()
    return boxes


def _boxes(
    model: XvlmModel, texts: Sequence[Sequence[int]], image_tokens: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the box of each text in the image beside it: (n, 4), as `predicted_boxes`."""
    device = model.device
    ids = pad_sequence([torch.tensor(text) for text in texts], batch_first=True).to(device)
    lengths = torch.tensor([len(text) for text in texts], device=device)
    mask = (torch.arange(ids.shape[1], device=device) < lengths[:, None]).long()  # (n, length)
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        hidden = model.text_encoder.encode(ids, mask)
        fused = model.text_encoder.fuse(hidden, mask, image_tokens)
    # In float32: a share in bfloat16 has two digits.
    return box_convert(model.boxes(fused.float()), "cxcywh", "xyxy").clamp(0, 1)
