"use strict";
// What a reader can switch on over all pictures: the detector's boxes, and those that models predict
// for the caption that is asked with.
const BoxLayers = (() => {
  const { element } = Elements;
  const predictions = new WeakMap(); // of a picture: what `predictedIn` tells
  const shown = new Set(); // names of layers

  const LAYERS = {
    detector: {
      text: "Detector’s boxes",
      draw: async (gallery, picture) => {
        const content = await gallery.boxes(Number(picture.dataset.image));
        return [Boxes.overlay(content), Boxes.told(content)];
      },
    },
    predicted: {
      text: "Predicted boxes",
      draw: async (gallery, picture) => {
        const predicted = predictions.get(picture) ?? [];
        if (!predicted.length) return null;
        const image = picture.querySelector("img");
        // Its shape is known once it is there, which is when it comes in sight.
        if (!image.naturalWidth)
          await new Promise((resolve) => image.addEventListener("load", resolve, { once: true }));
        const size = [image.naturalWidth, image.naturalHeight];
        return [Boxes.predictedOverlay(size, predicted), Boxes.predictedTold(predicted)];
      },
    },
  };

  // Where each model sees the caption in an image: `details` of the query, one a model.
  function predictedIn(gallery, details, image) {
    return details.flatMap(({ boxes = {} }, position) =>
      boxes[image] ? [{ ...gallery.models[position], box: boxes[image] }] : [],
    );
  }

  async function add(gallery, picture, name) {
    let made;
    try {
      made = await LAYERS[name].draw(gallery, picture);
    } catch (error) {
      picture.title = error.message;
      return;
    }
    if (!made || !shown.has(name) || picture.querySelector(`svg[data-layer="${name}"]`)) return;
    const [drawing, told] = made;
    drawing.dataset.layer = name;
    picture.append(drawing);
    picture.title = [picture.title, told].filter(Boolean).join("; ");
  }

  // Draws what is switched on over the pictures in an element, and nothing else.
  function draw(gallery, root) {
    for (const picture of root.querySelectorAll(".picture[data-image]")) {
      for (const drawing of picture.querySelectorAll("svg")) drawing.remove();
      picture.removeAttribute("title");
      for (const name of shown) add(gallery, picture, name);
    }
  }

  function switchOf(gallery, name) {
    const made = element(
      "button",
      { type: "button", className: "show-boxes", "aria-pressed": shown.has(name) },
      LAYERS[name].text,
    );
    made.dataset.layer = name;
    made.addEventListener("click", () => {
      if (!shown.delete(name)) shown.add(name);
      for (const other of document.querySelectorAll(`.show-boxes[data-layer="${name}"]`))
        other.setAttribute("aria-pressed", shown.has(name));
      draw(gallery, document);
    });
    return made;
  }

  // The switches of what there is to draw.
  function switches(gallery, hasPredicted) {
    return [
      ...(gallery.has_boxes ? [switchOf(gallery, "detector")] : []),
      ...(hasPredicted ? [switchOf(gallery, "predicted")] : []),
    ];
  }

  const tell = (picture, predicted) => predictions.set(picture, predicted);

  return { predictedIn, tell, draw, switches };
})();
