"use strict";
// One query under every model, side by side: why it is hard, its ground truth, the top 10.
const QueryView = (() => {
  const { element, rank, score, unseen } = Text;
  const MOST_CAPTIONS = 10;

  // Of each document, where each model has it in its top 10: position -> place, from 0.
  function placesOf(details) {
    const places = new Map();
    details.forEach(({ top }, model) => top.forEach((document, place) => {
      if (!places.has(document)) places.set(document, new Map());
      places.get(document).set(model, place);
    }));
    return places;
  }

  // A query with what the models made of it.
  function viewOf(gallery, number, details, filter) {
    const isCaption = gallery.isCaption(number);
    const image = gallery.imageOf(number);
    const places = placesOf(details);
    const [first, last] = gallery.captionNumbers(image);
    const isTruth = (document) => (isCaption ? document === image : first <= document && document < last);
    const imageOf = (document) => (isCaption ? document : gallery.captions.images[document]);
    // The documents that are asked for as hubs.
    const ids = isCaption ? gallery.images.ids : gallery.captions.ids;
    const hubs = filter.getAll("has").map((key) => key.match(/^hub:(image|caption) (\d+)$/)).filter((found) => found && (found[1] === "image") === isCaption);
    const isHub = (document) => hubs.some(([, , id]) => Number(id) === ids[document]);
    return { gallery, number, details, isCaption, image, places, isTruth, isHub, imageOf };
  }

  // Lines of an enlarged picture: where the image, or captions of it, stand under each model.
  function standing({ gallery, details, isCaption, image: own, imageOf }, image) {
    return details.map(({ top, scores, truth }, model) => {
      const places = top.map((_, place) => place).filter((place) => imageOf(top[place]) === image);
      const told = places.map((place) => `${isCaption ? "" : `“${gallery.captions.texts[top[place]]}” `}at ${place}, score ${score(scores[place])}`);
      const isOwn = isCaption && image === own;
      if (isOwn) told.unshift(`ground truth, rank ${rank(truth[0][0])}, score ${score(truth[0][1])}`);
      const nothing = isCaption ? "not in the top 10" : "no caption of it in the top 10";
      return [Text.model(gallery, model), ` ${told.join("; ") || nothing}`];
    });
  }

  function pictureOf(view, image, name) {
    return Pictures.button(view.gallery, image, name, () => standing(view, image));
  }

  function reasonList({ gallery, details }) {
    const items = new Map(); // one line for a reason that several models' failures have
    details.forEach(({ reasons }, model) => reasons.forEach(([name, evidence, repair]) => {
      const key = JSON.stringify([name, evidence, repair]);
      if (!items.has(key)) items.set(key, { name, evidence, repair, models: [] });
      items.get(key).models.push(model);
    }));
    const list = element("ul", { className: "reasons" });
    for (const { name, evidence, repair, models } of items.values()) {
      const dots = models.map((model) => Text.model(gallery, model, unseen(`hard for ${gallery.models[model].name}: `)));
      const meant = repair ? [" ", element("span", { className: "quiet" }, `Probably meant: “${repair}”`)] : [];
      list.append(element("li", {}, ...(gallery.models.length > 1 ? dots : []), element("b", {}, name), ` ${evidence}`, ...meant));
    }
    for (const { regions } of details) {
      if (regions) list.append(element("li", { className: "quiet" }, `Detector or matcher? ${regions}`));
    }
    return list;
  }

  function truthTable({ gallery, number, details, isCaption, image }) {
    const texts = isCaption ? ["its image"] : gallery.captionsOf(image);
    const models = gallery.models.map((_, model) => element("th", { scope: "col" }, Text.model(gallery, model)));
    const head = element("tr", {}, element("th", { scope: "col" }, isCaption ? "ground truth" : "ground truth: its captions"), ...models);
    const rows = texts.slice(0, MOST_CAPTIONS).map((text, position) => {
      const cells = details.map(({ truth }, model) => {
        const [own, value] = truth[position];
        const best = value === Math.max(...truth.map((one) => one[1]));
        const name = unseen(`${gallery.models[model].name}: `);
        return element("td", { className: `model-${gallery.models[model].color}${best ? " best" : ""}` },
          name, `rank ${rank(own)} `, element("small", {}, `score ${score(value)}`));
      });
      return element("tr", {}, element("th", { scope: "row" }, text), ...cells);
    });
    const notes = details.flatMap(({ bounds }, model) => (bounds ? [element("p", { className: "quiet" }, Text.model(gallery, model),
      `: the query’s rank is ${rank(gallery.ranks[model][number])}, from ${rank(bounds[0])} to ${rank(bounds[1])} by how ties are broken`)] : []));
    const more = texts.length - MOST_CAPTIONS;
    if (more > 0) notes.push(element("p", { className: "quiet" }, `and ${more} more captions`));
    return element("div", {}, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)), ...notes);
  }

  // Which other models retrieved a document too, and at which place.
  function othersOf({ gallery, places }, document, model) {
    return [...places.get(document)].filter(([other]) => other !== model).map(([other, place]) => {
      const told = Text.model(gallery, other, String(place));
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
    const item = element("li", { className: [right && "right", others.length && "shared", isHub(document) && "hub"].filter(Boolean).join(" "), "data-document": document });
    const marks = element("span", { className: "marks" }, `${place}${right ? " ✓" : ""}`, ...(right ? [unseen(" ground truth")] : []), ...others);
    if (also[document]) {
      marks.append(element("span", { className: "also", title: also[document] }, "≈", unseen(` also right: ${also[document]}`)));
    }
    item.append(pictureOf(view, image, named), marks);
    if (!isCaption) item.append(element("span", { className: "said" }, gallery.captions.texts[document]));
    item.append(element("small", {}, score(scores[place])));
    return item;
  }

  function retrieved(view, model) {
    const { gallery, details, isCaption } = view;
    const items = details[model].top.map((_, place) => retrievedItem(view, model, place));
    const heading = element("h3", {}, Text.model(gallery, model), element("small", {}, ` rank ${rank(gallery.ranks[model][view.number])}, top ${items.length}`));
    return element("section", {}, heading, element("ol", { className: isCaption ? "images" : "captions" }, ...items));
  }

  // The same document in the others' lists is marked while the pointer or the focus is on one.
  function markSame(root) {
    const mark = (event, on) => {
      const document = event.target.closest?.("[data-document]")?.dataset.document;
      if (document === undefined) return;
      for (const other of root.querySelectorAll(`[data-document="${document}"]`)) other.classList.toggle("same", on);
    };
    for (const event of ["pointerover", "focusin"]) root.addEventListener(event, (one) => mark(one, true));
    for (const event of ["pointerout", "focusout"]) root.addEventListener(event, (one) => mark(one, false));
  }

  // The labels of a query, each a link to all queries that have it.
  function labelList(gallery, number) {
    const own = gallery.labelsOf(number).filter((key) => /^(object|group|taken for|also right):/.test(key));
    const links = own.map((key) => element("a", { href: Address.of(new URLSearchParams({ has: key })) }, key.replace(":", ": ")));
    return element("p", { className: "labels" }, ...links);
  }

  const LEGEND = "Places and ranks count from 0. ✓ is ground truth, ≈ right by other labels; a coloured place is where that model has it too.";

  // Returns the parts of a query's view; `judging` is the bar of its tags.
  function draw(gallery, number, details, judging, filter) {
    const view = viewOf(gallery, number, details, filter);
    const { isCaption, image } = view;
    const title = isCaption ? `“${gallery.text(number)}”` : gallery.text(number);
    const about = [isCaption ? `caption ${gallery.id(number)} of image ${gallery.images.ids[image]}` : "image query", gallery.images.files[image]];
    const link = element("a", { href: `#query=${gallery.key(number)}` }, "Link to this query alone");
    const lists = element("div", { className: "side-by-side" }, ...gallery.models.map((_, model) => retrieved(view, model)));
    markSame(lists);
    return [
      element("h2", { id: "query-title", tabIndex: -1 }, title),
      element("p", { className: "about quiet" }, ...about.map((text) => element("span", {}, text)), link,
        ...(gallery.has_boxes ? [Pictures.boxSwitch(gallery)] : [])),
      reasonList(view),
      labelList(gallery, number),
      element("div", { className: "truth" }, pictureOf(view, image, `Enlarge ${isCaption ? "the ground truth," : "the query,"} image ${gallery.images.ids[image]}`), truthTable(view)),
      judging,
      element("p", { className: "legend quiet" }, LEGEND),
      lists,
    ];
  }

  return { draw };
})();
