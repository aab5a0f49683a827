"use strict";
// What a captioner says of the query's image, and of the images that the models rank first.
const Generated = (() => {
  const { element } = Elements;

  // Of each image but the query's own, the models that rank it, or a caption of it, first.
  function firstOf({ image: own, details, imageOf }) {
    const models = new Map();
    details.forEach(({ top }, model) => {
      const image = imageOf(top[0]);
      if (image === own) return;
      if (!models.has(image)) models.set(image, []);
      models.get(image).push(model);
    });
    return models;
  }

  function quoted(text) {
    if (text === null) return element("span", { className: "quiet" }, "no caption in the file");
    return text === "" ? element("span", { className: "quiet" }, "nothing") : `“${text}”`;
  }

  const same = (one, other) => one && other && one.toLowerCase() === other.toLowerCase();

  function draw(view) {
    const { gallery, image: own, isCaption } = view;
    const { captioner, texts } = gallery.generated;
    const named = isCaption ? "of its image" : "of this image";
    const items = [element("li", {}, element("b", {}, named), ": ", quoted(texts[own]))];
    for (const [image, models] of firstOf(view)) {
      const dots = models.flatMap((model) => [" ", Elements.model(gallery, model)]);
      const note = same(texts[own], texts[image])
        ? [" ", element("span", { className: "quiet" }, "the same of both")]
        : [];
      items.push(
        element(
          "li",
          {},
          element("b", {}, `of image ${gallery.images.ids[image]}`),
          ", first under",
          ...dots,
          ": ",
          quoted(texts[image]),
          ...note,
        ),
      );
    }
    return element(
      "section",
      { className: "generated", "aria-label": "What a captioner says" },
      element("p", { className: "quiet" }, `Said by a captioner, ${captioner}, a machine:`),
      element("ul", {}, ...items),
    );
  }

  return { draw };
})();
