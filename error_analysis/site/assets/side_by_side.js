"use strict";
// The top 10 of each model beside the others'.
const SideBySide = (() => {
  const { element, unseen } = Elements;
  const { rank, score } = Numbers;

  // Which other models retrieved a document too, and at which place.
  function othersOf({ gallery, places }, document, model) {
    return [...places.get(document)]
      .filter(([other]) => other !== model)
      .map(([other, place]) => {
        const told = Elements.model(gallery, other, String(place));
        told.title = `also retrieved by ${gallery.models[other].name}, at ${place}`;
        told.prepend(unseen(`also retrieved by ${gallery.models[other].name} at `));
        return told;
      });
  }

  function retrievedItem(view, model, place) {
    const { gallery, details, isCaption, isTruth, isHub, imageOf } = view;
    const { top, scores, also = {} } = details[model];
    const document = top[place];
    const right = isTruth(document);
    const image = imageOf(document);
    const others = othersOf(view, document, model);
    const role = right ? ", ground truth" : also[document] ? ", plausible" : "";
    const named = `Enlarge image ${gallery.images.ids[image]}, at ${place}${isCaption ? role : ""}`;
    const item = element("li", {
      className: [right && "right", others.length && "shared", isHub(document) && "hub"]
        .filter(Boolean)
        .join(" "),
      "data-document": document,
    });
    const marks = element(
      "span",
      { className: "marks" },
      `${place}${right ? " ✓" : ""}`,
      ...(right ? [unseen(" ground truth")] : []),
      ...others,
    );
    if (also[document]) {
      marks.append(
        element(
          "span",
          { className: "also", title: also[document] },
          "≈",
          unseen(` also right: ${also[document]}`),
        ),
      );
    }
    item.append(view.pictureOf(image, named), marks);
    if (!isCaption)
      item.append(element("span", { className: "said" }, gallery.captions.texts[document]));
    item.append(element("small", {}, score(scores[place])));
    return item;
  }

  function retrieved(view, model) {
    const { gallery, details, isCaption } = view;
    const items = details[model].top.map((_, place) => retrievedItem(view, model, place));
    const heading = element(
      "h3",
      {},
      Elements.model(gallery, model),
      element("small", {}, ` rank ${rank(gallery.ranks[model][view.number])}, top ${items.length}`),
    );
    return element(
      "section",
      {},
      heading,
      element("ol", { className: isCaption ? "images" : "captions" }, ...items),
    );
  }

  // The same document in the others' lists is marked while the pointer or the focus is on one.
  function markSame(root) {
    const mark = (event, on) => {
      const document = event.target.closest?.("[data-document]")?.dataset.document;
      if (document === undefined) return;
      for (const other of root.querySelectorAll(`[data-document="${document}"]`))
        other.classList.toggle("same", on);
    };
    for (const event of ["pointerover", "focusin"])
      root.addEventListener(event, (one) => mark(one, true));
    for (const event of ["pointerout", "focusout"])
      root.addEventListener(event, (one) => mark(one, false));
  }

  function draw(view) {
    const lists = view.gallery.models.map((_, model) => retrieved(view, model));
    const made = element("div", { className: "side-by-side" }, ...lists);
    markSame(made);
    return made;
  }

  return { draw };
})();
