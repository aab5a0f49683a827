"""Low quality of an image: blur, darkness, over-exposure, low contrast, few pixels.

Each is a number measured on the image at one working size, and a bound. The bounds lie just beyond
the values of 90 photographs of COCO's train2014 and val2014, whose least (or greatest) value stands
beside each: what they call low is rarer than one photograph in 90. Colours are measured too, but a
photograph in black and white is none of low quality.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from error_analysis.reasons.reason import Reason

NAME = "low quality"
WORKING_SIDE = 256  # pixels of the longer side at which all but the pixel count is measured
LEAST_SHARPNESS = 0.05  # of 90 photographs the least is 0.059, the median 0.64
LEAST_BRIGHT = 64.0  # a quarter of the range; least 76, median 214
MOST_OVEREXPOSED = 0.25  # greatest 0.23, median 0.002
LEAST_CONTRAST = 20.0  # least 29, median 56
# CLIP's 224 pixels at less than half: the image is enlarged more than twice.
LEAST_SIDE = 112
_WHITE = 250
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of an image.

    Attributes:
        sharpness: variance of the Laplacian over that of the luminance, so that neither size nor
            contrast nor brightness changes it.
        bright: the 95th percentile of the luminance, 0 to 255: dark where even that is low.
        overexposed: share of pixels of luminance 250 and above.
        contrast: standard deviation of the luminance.
        chroma: mean over pixels of the greatest minus the least of R, G, B; 0 without colours.
        shorter_side: of the image as it is, in pixels.
    """

    sharpness: float
    bright: float
    overexposed: float
    contrast: float
    chroma: float
    shorter_side: int

    def defects(self) -> dict[str, str]:
        """Return what is wrong ("blur", "darkness", ...), each with its measure as evidence.

        A flat image has no sharpness to speak of: it is not called blurred.
        """
        found = {}
        if self.sharpness < LEAST_SHARPNESS and self.contrast >= 1:
            found["blur"] = f"sharpness {self.sharpness:.3f}, below {LEAST_SHARPNESS:g}"
        if self.bright < LEAST_BRIGHT:
            found["darkness"] = (
                f"95 % of the pixels darker than {self.bright:.0f} of 255, below {LEAST_BRIGHT:g}"
            )
        if self.overexposed > MOST_OVEREXPOSED:
            found["over-exposure"] = (
                f"{self.overexposed:.0%} of the pixels white, above {MOST_OVEREXPOSED:.0%}"
            )
        if self.contrast < LEAST_CONTRAST:
            found["low contrast"] = (
                f"deviation of the luminance {self.contrast:.1f}, below {LEAST_CONTRAST:g}"
            )
        if self.shorter_side < LEAST_SIDE:
            found["tiny"] = f"shorter side {self.shorter_side} pixels, below {LEAST_SIDE}"
        return found


def measure_quality(image: np.ndarray) -> Quality:
    """Measure an image.

    Args:
        image: (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    # The Laplacian needs 3 pixels each way, which a very long and narrow image would not keep.
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    method = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    pixels = np.asarray(Image.fromarray(image).resize(size, method))  # (h, w, 3) uint8
    red, green, blue = np.moveaxis(pixels, 2, 0)  # NumPy is slow along an axis of three
    greatest = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    luminance = pixels.astype(np.float64) @ np.array(_LUMA)  # (h, w)
    middle = luminance[1:-1, 1:-1]
    sides = luminance[1:-1, :-2] + luminance[1:-1, 2:] + luminance[:-2, 1:-1] + luminance[2:, 1:-1]
    laplacian = sides - 4 * middle  # (h - 2, w - 2)
    variance = float(luminance.var())
    return Quality(
        sharpness=float(laplacian.var()) / variance if variance > 0 else 0.0,
        bright=float(np.percentile(luminance, 95)),
        overexposed=float(np.mean(luminance >= _WHITE)),
        contrast=variance**0.5,
        chroma=float(np.mean(greatest - least)),
        shorter_side=min(height, width),
    )


def quality_reason(image: np.ndarray) -> Reason | None:
    """Return the reason of an image (H, W, 3) uint8 RGB of low quality, its measures shown."""
    defects = measure_quality(image).defects()
    if not defects:
        return None
    return Reason(NAME, "; ".join(f"{what}: {shown}" for what, shown in defects.items()))
