"""What the features of queries are, in words: for pages, where a name alone says little."""

from collections.abc import Iterable

FEATURES = {
    "words": "of the caption",
    "characters": "of the caption",
    "content words": "of the caption, that are no function words",
    "position": "place of the caption among those of its image, from 0",
    "nearest caption": "greatest likeness (TF-IDF cosine) with a caption of another image",
    "captions nearly the same": "log2 of 1 + the captions of other images that say nearly the same",
    "mean log frequency": "how usual the caption's words are, on average: log10 of their share",
    "least log frequency": "how usual its rarest word is: log10 of its share",
    "CIDEr-D by siblings": "how far the caption agrees with the others of its image",
    "surprise gain": "by how much the image makes a word of the caption likelier to a captioner",
    "captions": "of the image",
    "mean words": "of the image's captions",
    "agreement": "mean likeness (TF-IDF cosine) of two of the image's captions",
    "mean CIDEr-D by siblings": "how far the image's captions agree with one another",
    "mean surprise gain": "by how much the image makes their words likelier to a captioner",
    "log (1 + oracle rank)": "where the image's other captions rank the query",
    "objects": "in the image",
    "categories": "of the objects in the image",
    "largest object": "its box's share of the image",
    "sharpness": "of the image: the strength of its edges beside its contrast",
    "bright": "luminance that 95 % of the image's pixels are below, of 255",
    "overexposed": "share of the image's pixels that are nearly white",
    "contrast": "of the image's brightness",
    "chroma": "how colourful the image is; about 0 in black and white",
    "shorter side": "of the image, in pixels",
}


def explained_in(texts: Iterable[str]) -> dict[str, str]:
    """Return the features that texts begin with, such as "words 12 to 49", with what they are.

    Those of objects may be of the detector's: "detected objects".
    """
    texts = [text.removeprefix("detected ") for text in texts]
    return {
        name: words
        for name, words in sorted(FEATURES.items())
        if any(text == name or text.startswith(f"{name} ") for text in texts)
    }
