"use strict";
// The form of the filters, and the labels that are chosen: a query has them, or has them not.
const FilterForm = (() => {
  const { element } = Elements;
  const { count } = Numbers;

  // Options for the labels of a model that are not chosen yet, under the name of their kind.
  function labelOptions(gallery, model, tagLabels, chosen) {
    const kinds = new Map();
    for (const [key, n] of [
      ...gallery.labels.counts(model),
      ...[...tagLabels].map(([key, numbers]) => [key, numbers.length]),
    ]) {
      if (chosen.has(key)) continue;
      const kind = Labels.kindOf(key);
      if (!kinds.has(kind)) kinds.set(kind, []);
      kinds
        .get(kind)
        .push(element("option", { value: key }, `${Labels.nameOf(key)} (${count(n)})`));
    }
    return [...kinds].map(([kind, options]) => element("optgroup", { label: kind }, ...options));
  }

  function removeButton(what, act) {
    const made = element("button", { type: "button", "aria-label": `Remove ${what}` }, "×");
    made.addEventListener("click", act);
    return made;
  }

  // A label; what is said of one model only is that of the first model.
  function labelChip(gallery, filter, name, key, changed) {
    const [first] = Filters.modelsOf(gallery, filter);
    const model = gallery.labels.isOfModel(key) ? ` (${gallery.models[first].name})` : "";
    const told = `${Labels.kindOf(key)}${model}: ${Labels.nameOf(key)}`;
    const word = name === "has" ? "with" : "without";
    const turn = element(
      "button",
      {
        type: "button",
        title: "turn round: with, without",
        "aria-label": `${word} ${told}: turn round`,
      },
      `⇄ ${word}`,
    );
    turn.addEventListener("click", () =>
      changed(without(filter, name, key, name === "has" ? "not" : "has")),
    );
    const remove = removeButton(told, () => changed(without(filter, name, key)));
    return element(
      "li",
      { className: name, "data-key": key },
      turn,
      element("span", {}, told),
      remove,
    );
  }

  function fieldChip(filter, { names, told }, changed) {
    const rest = new URLSearchParams([...filter].filter(([name]) => !names.includes(name)));
    const remove = removeButton(told, () => changed(rest));
    return element("li", { "data-key": told }, element("span", {}, told), remove);
  }

  // The filter without a label, or with it under another name.
  function without(filter, name, key, instead = null) {
    const next = new URLSearchParams(
      [...filter].filter(([one, value]) => one !== name || value !== key),
    );
    if (instead) next.append(instead, key);
    return next;
  }

  // Returns a function that shows a filter and how many queries pass it. `changed` gets a new one.
  function connect(form, gallery, tagLabels, changed) {
    let shown = new URLSearchParams();

    for (const name of ["a", "b"]) {
      form.elements[name].append(
        ...gallery.models.map((model) => element("option", { value: model.slug }, model.name)),
      );
    }
    for (const one of form.querySelectorAll(".two")) one.hidden = gallery.models.length < 2;

    // The models are in the address once they are chosen: by default they follow from each other.
    function read(changedField) {
      const filter = new URLSearchParams();
      for (const name of Filters.FIELDS) {
        const isModel = name === "a" || name === "b";
        const value =
          isModel && name !== changedField ? shown.get(name) : form.elements[name].value.trim();
        if (value && !(name === "sort" && value === "worst")) filter.set(name, value);
      }
      for (const name of ["has", "not"])
        for (const key of shown.getAll(name)) filter.append(name, key);
      return filter;
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      const filter = read(event.target.name);
      if (event.target.name === "label" && event.target.value)
        filter.append("has", event.target.value);
      changed(filter);
    });
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      changed(new URLSearchParams());
    });

    function showFields(filter) {
      const [a, b] = Filters.modelsOf(gallery, filter);
      for (const name of Filters.FIELDS) {
        const value = filter.get(name) ?? (name === "sort" ? "worst" : "");
        const field = form.elements[name];
        if (field !== document.activeElement || field.tagName === "SELECT") field.value = value;
      }
      form.elements.a.value = gallery.models[a].slug;
      if (b >= 0) form.elements.b.value = gallery.models[b].slug;
      const any = element("option", { value: "" }, "any");
      const exactly = filter.get("exactly");
      form.elements.exactly.replaceChildren(any, ...Combinations.options(gallery, exactly));
      form.elements.exactly.value = exactly ?? "";
      const first = element("option", { value: "" }, "Add a label …");
      const chosen = new Set([...filter.getAll("has"), ...filter.getAll("not")]);
      form.elements.label.replaceChildren(first, ...labelOptions(gallery, a, tagLabels(), chosen));
      form.elements.label.value = "";
    }

    // The focus stays on a filter that is turned round; from one that is removed it goes to the
    // words.
    function showChips(filter) {
      const list = form.querySelector(".chips");
      const focused = list.contains(document.activeElement)
        ? document.activeElement.closest("li").dataset.key
        : null;
      list.replaceChildren(
        ...Filters.described(gallery, filter).map((one) => fieldChip(filter, one, changed)),
        ...["has", "not"].flatMap((name) =>
          filter.getAll(name).map((key) => labelChip(gallery, filter, name, key, changed)),
        ),
      );
      if (focused === null) return;
      const same = list.querySelector(`[data-key="${CSS.escape(focused)}"] button`);
      (same ?? form.elements.text).focus();
    }

    return function show(filter, n) {
      shown = filter;
      showFields(filter);
      showChips(filter);
      form.querySelector("output").textContent = `${count(n)} of ${count(gallery.size)} queries`;
    };
  }

  return { connect };
})();
