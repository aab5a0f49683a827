"""A gallery as a fragment of HTML, for a notebook's cell."""

from collections.abc import Sequence

from markupsafe import Markup

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.environment import template_environment
from error_analysis.site.galleries import FailureGallery, shown_image_ids
from error_analysis.site.thumbnails import thumbnail_uris
from preprocess.storage.images_file import ImagesFile


def render_gallery(
    models: Sequence[ModelRankings], gallery: FailureGallery, images: ImagesFile
) -> str:
    """Return one gallery as an HTML fragment with its own style, for a notebook's cell."""
    template = template_environment().get_template("fragment.html.jinja")
    return Markup(
        template.render(
            gallery=gallery,
            names=[model.name for model in models],
            thumbnails=thumbnail_uris(images, shown_image_ids([gallery])),
        )
    )
