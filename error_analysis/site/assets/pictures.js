"use strict";
// Pictures: a click enlarges one with its captions, boxes and ranks, the pointer on it or the focus
// shows its captions.
const Pictures = (() => {
  const { element } = Elements;
  const MOST_CAPTIONS = 10;

  function captionList(gallery, image) {
    const said = gallery.captionsOf(image);
    const items = said.slice(0, MOST_CAPTIONS).map((text) => element("li", {}, text));
    if (said.length > MOST_CAPTIONS)
      items.push(element("li", { className: "quiet" }, `and ${said.length - MOST_CAPTIONS} more`));
    return element("ul", {}, ...items);
  }

  // `standing` tells lines on where the image stands under the models; `name` is for screen readers;
  // `predicted` are the boxes that models predict in it (see `BoxLayers.predictedIn`).
  function button(gallery, image, name, standing, predicted) {
    const made = element(
      "button",
      { type: "button", className: "picture", "aria-label": name, "data-image": image },
      element("img", { src: gallery.picture(image), alt: "", loading: "lazy", decoding: "async" }),
    );
    BoxLayers.tell(made, predicted);
    made.addEventListener("click", () => enlarge(gallery, image, standing, predicted));
    made.addEventListener(
      "pointerenter",
      (event) => event.pointerType !== "touch" && showCaptions(gallery, image, made),
    );
    made.addEventListener(
      "focus",
      () => made.matches(":focus-visible") && showCaptions(gallery, image, made),
    );
    for (const event of ["pointerleave", "blur"]) made.addEventListener(event, hideCaptions);
    return made;
  }

  function showCaptions(gallery, image, beside) {
    const box = document.getElementById("captions");
    box.replaceChildren(
      element("b", {}, `Image ${gallery.images.ids[image]}`),
      captionList(gallery, image),
    );
    box.hidden = false;
    beside.setAttribute("aria-describedby", "captions");
    const place = beside.getBoundingClientRect();
    const left = Math.min(Math.max(8, place.left), innerWidth - box.offsetWidth - 8);
    const fits = place.bottom + box.offsetHeight + 8 < innerHeight;
    box.style.left = `${left}px`;
    box.style.top = `${fits ? place.bottom + 6 : Math.max(8, place.top - box.offsetHeight - 6)}px`;
  }

  function hideCaptions() {
    document.getElementById("captions").hidden = true;
    document.querySelector("[aria-describedby=captions]")?.removeAttribute("aria-describedby");
  }

  function enlarge(gallery, image, standing, predicted) {
    hideCaptions();
    const dialog = document.getElementById("enlarged");
    const picture = element(
      "div",
      { className: "picture", "data-image": image },
      element("img", { src: gallery.picture(image), alt: `Image ${gallery.images.ids[image]}` }),
    );
    BoxLayers.tell(picture, predicted);
    const close = element("button", { type: "button", className: "close" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const lines = standing().map((line) => element("li", {}, ...line));
    dialog.replaceChildren(
      element(
        "header",
        {},
        element("h2", { id: "enlarged-title" }, `Image ${gallery.images.ids[image]}`),
        element("span", { className: "quiet" }, gallery.images.files[image]),
        ...BoxLayers.switches(gallery, predicted.length > 0),
        close,
      ),
      picture,
      element(
        "div",
        { className: "told" },
        element("h3", {}, "Where it stands"),
        element("ul", {}, ...lines),
        element("h3", {}, "Its captions"),
        captionList(gallery, image),
      ),
    );
    BoxLayers.draw(gallery, dialog);
    if (!dialog.open) dialog.showModal();
  }

  return { button, hideCaptions };
})();
