"""HF's BLIP, driven word by word."""

import torch

from captioning.models.blip_captioner import BlipCaptioner
from tests.captioning.models.tiny import make_blip, make_labels, make_pixels


@torch.no_grad()
def test_the_logits_are_those_of_hfs_forward_after_beginning_and_prompt():
    blip = make_blip(30)
    pixels, labels = make_pixels(), make_labels([3, 3, 3])
    found = BlipCaptioner(blip, [5, 6]).target_logits(pixels, labels)
    begun = torch.tensor([[29, 5, 6]]).expand(3, -1)
    input_ids = torch.cat([begun, labels[:, :-1]], 1)
    expected = blip(pixel_values=pixels, input_ids=input_ids).logits[:, 2:]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_prompt_changes_what_follows():
    blip, pixels = make_blip(30), make_pixels()
    logits = [BlipCaptioner(blip, prompt).begin(pixels)[0] for prompt in ([], [5, 6])]
    assert (logits[0] - logits[1]).abs().max() > 0.01
