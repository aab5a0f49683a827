"use strict";
// One query under every model, side by side: why it is hard, its ground truth, the top 10.
const QueryView = (() => {
  const { element, unseen } = Elements;
  const { rank, score } = Numbers;
  const MOST_CAPTIONS = 10;
  const SHOWN_KINDS = ["object", "group", "taken for", "also right"];

  function reasonList({ gallery, details }) {
    const items = new Map(); // one line for a reason that several models' failures have
    details.forEach(({ reasons }, model) =>
      reasons.forEach(([name, evidence, repair]) => {
        const key = JSON.stringify([name, evidence, repair]);
        if (!items.has(key)) items.set(key, { name, evidence, repair, models: [] });
        items.get(key).models.push(model);
      }),
    );
    const list = element("ul", { className: "reasons" });
    for (const { name, evidence, repair, models } of items.values()) {
      const dots = models.map((model) =>
        Elements.model(gallery, model, unseen(`hard for ${gallery.models[model].name}: `)),
      );
      const meant = repair
        ? [" ", element("span", { className: "quiet" }, `Probably meant: “${repair}”`)]
        : [];
      list.append(
        element(
          "li",
          {},
          ...(gallery.models.length > 1 ? dots : []),
          element("b", {}, name),
          ` ${evidence}`,
          ...meant,
        ),
      );
    }
    for (const { regions } of details) {
      if (regions)
        list.append(element("li", { className: "quiet" }, `Detector or matcher? ${regions}`));
    }
    return list;
  }

  function truthTable({ gallery, number, details, isCaption, image }) {
    const texts = isCaption ? ["its image"] : gallery.captionsOf(image);
    const models = gallery.models.map((_, model) =>
      element("th", { scope: "col" }, Elements.model(gallery, model)),
    );
    const head = element(
      "tr",
      {},
      element("th", { scope: "col" }, isCaption ? "ground truth" : "ground truth: its captions"),
      ...models,
    );
    const rows = texts.slice(0, MOST_CAPTIONS).map((text, position) => {
      const cells = details.map(({ truth }, model) => {
        const [own, value] = truth[position];
        const best = value === Math.max(...truth.map((one) => one[1]));
        const name = unseen(`${gallery.models[model].name}: `);
        return element(
          "td",
          { className: `model-${gallery.models[model].color}${best ? " best" : ""}` },
          name,
          `rank ${rank(own)} `,
          element("small", {}, `score ${score(value)}`),
        );
      });
      return element("tr", {}, element("th", { scope: "row" }, text), ...cells);
    });
    const notes = details.flatMap(({ bounds }, model) =>
      bounds
        ? [
            element(
              "p",
              { className: "quiet" },
              Elements.model(gallery, model),
              `: the query’s rank is ${rank(gallery.ranks[model][number])}, from ${rank(bounds[0])} to ${rank(bounds[1])} by how ties are broken`,
            ),
          ]
        : [],
    );
    const more = texts.length - MOST_CAPTIONS;
    if (more > 0) notes.push(element("p", { className: "quiet" }, `and ${more} more captions`));
    return element(
      "div",
      {},
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)),
      ...notes,
    );
  }

  // The labels of a query, each a link to all queries that have it.
  function labelList(gallery, number) {
    const own = gallery.labels
      .ofQuery(number)
      .filter((key) => SHOWN_KINDS.includes(Labels.kindOf(key)));
    const links = own.map((key) =>
      element("a", { href: Address.of(new URLSearchParams({ has: key })) }, key.replace(":", ": ")),
    );
    return element("p", { className: "labels" }, ...links);
  }

  const LEGEND =
    "Places and ranks count from 0. ✓ is ground truth, ≈ right by other labels; a coloured place is where that model has it too.";

  // Returns the parts of a query's view; `judging` is the bar of its tags.
  function draw(gallery, number, details, judging, filter) {
    const view = Answers.of(gallery, number, details, filter);
    const { isCaption, image } = view;
    const title = isCaption ? `“${gallery.text(number)}”` : gallery.text(number);
    const about = [
      isCaption
        ? `caption ${gallery.id(number)} of image ${gallery.images.ids[image]}`
        : "image query",
      gallery.images.files[image],
    ];
    const link = element(
      "a",
      { href: `#query=${gallery.key(number)}` },
      "Link to this query alone",
    );
    return [
      element("h2", { id: "query-title", tabIndex: -1 }, title),
      element(
        "p",
        { className: "about quiet" },
        ...about.map((text) => element("span", {}, text)),
        link,
        ...BoxLayers.switches(
          gallery,
          details.some(({ boxes }) => boxes),
        ),
      ),
      reasonList(view),
      ...(gallery.generated ? [Generated.draw(view)] : []),
      labelList(gallery, number),
      element(
        "div",
        { className: "truth" },
        view.pictureOf(
          image,
          `Enlarge ${isCaption ? "the ground truth," : "the query,"} image ${gallery.images.ids[image]}`,
        ),
        truthTable(view),
      ),
      judging,
      element("p", { className: "legend quiet" }, LEGEND),
      SideBySide.draw(view),
    ];
  }

  return { draw };
})();
