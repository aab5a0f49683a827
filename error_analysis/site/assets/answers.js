"use strict";
// A query and what the models made of it: its ground truth, and where each document stands.
const Answers = (() => {
  const { rank, score } = Numbers;

  // Of each document, where each model has it in its top 10: position -> place, from 0.
  function placesOf(details) {
    const places = new Map();
    details.forEach(({ top }, model) =>
      top.forEach((document, place) => {
        if (!places.has(document)) places.set(document, new Map());
        places.get(document).set(model, place);
      }),
    );
    return places;
  }

  // What is asked with the query `number`, and what it means to the page.
  function of(gallery, number, details, filter) {
    const isCaption = gallery.isCaption(number);
    const image = gallery.imageOf(number);
    const places = placesOf(details);
    const [first, last] = gallery.captionNumbers(image);
    const isTruth = (document) =>
      isCaption ? document === image : first <= document && document < last;
    const imageOf = (document) => (isCaption ? document : gallery.captions.images[document]);
    // The documents that are asked for as hubs.
    const ids = isCaption ? gallery.images.ids : gallery.captions.ids;
    const hubs = filter
      .getAll("has")
      .map((key) => key.match(/^hub:(image|caption) (\d+)$/))
      .filter((found) => found && (found[1] === "image") === isCaption);
    const isHub = (document) => hubs.some(([, , id]) => Number(id) === ids[document]);
    const view = { gallery, number, details, isCaption, image, places, isTruth, isHub, imageOf };
    const pictureOf = (shown, name) =>
      Pictures.button(
        gallery,
        shown,
        name,
        () => standing(view, shown),
        BoxLayers.predictedIn(gallery, details, shown),
      );
    return { ...view, pictureOf };
  }

  // Lines of an enlarged picture: where the image, or captions of it, stand under each model.
  function standing({ gallery, details, isCaption, image: own, imageOf }, image) {
    return details.map(({ top, scores, truth }, model) => {
      const places = top.map((_, place) => place).filter((place) => imageOf(top[place]) === image);
      const told = places.map(
        (place) =>
          `${isCaption ? "" : `“${gallery.captions.texts[top[place]]}” `}at ${place}, score ${score(scores[place])}`,
      );
      const isOwn = isCaption && image === own;
      if (isOwn)
        told.unshift(`ground truth, rank ${rank(truth[0][0])}, score ${score(truth[0][1])}`);
      const nothing = isCaption ? "not in the top 10" : "no caption of it in the top 10";
      return [Elements.model(gallery, model), ` ${told.join("; ") || nothing}`];
    });
  }

  return { of };
})();
