import io

import pytest
from PIL import Image

from error_analysis.site.base.pictures import picture, picture_uris, write_pictures
from preprocess.base.errors import InputError
from preprocess.storage.decoded_images import map_images
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.error_analysis.scored import make_split, save_images


@pytest.fixture
def images(tmp_path) -> ImagesFile:
    return ImagesFile(save_images(tmp_path / "images.h5", make_split([1] * 50)))


def test_thumbnails_come_in_the_order_asked_for_at_240_pixels(images):
    asked = [130, 100, 149, *range(101, 129)]
    found = list(map_images(picture, images, asked))
    assert [image_id for image_id, _ in found] == asked
    opened = {image_id: Image.open(io.BytesIO(content)) for image_id, content in found}
    assert opened[130].size == (240, 160)
    assert opened[100].size == (160, 240)  # the portrait
    red = opened[130].convert("RGB").getpixel((50, 50))[0]
    assert red == pytest.approx(9 * 30 % 256, abs=3)


def test_a_small_image_is_not_enlarged(tmp_path):
    content = io.BytesIO()
    Image.new("RGB", (30, 20)).save(content, "PNG")
    write_images_file(tmp_path / "images.h5", [7], [content.getvalue()])
    [(_, small)] = map_images(picture, ImagesFile(tmp_path / "images.h5"), [7])
    assert Image.open(io.BytesIO(small)).size == (30, 20)


def test_each_image_is_decoded_once(images, tmp_path, monkeypatch):
    read = []
    own = ImagesFile.read_encoded
    monkeypatch.setattr(ImagesFile, "read_encoded", lambda self, i: read.append(i) or own(self, i))
    write_pictures(images, range(100, 150), tmp_path)
    assert read == list(range(100, 150))
    assert len(list(tmp_path.glob("*.webp"))) == 50


def test_a_damaged_image_is_named(tmp_path):
    write_images_file(tmp_path / "images.h5", [7], [b"no image"])
    with pytest.raises(InputError, match="image 7"):
        picture_uris(ImagesFile(tmp_path / "images.h5"), [7])
