"use strict";
// Elements, and numbers as they are shown.
const Text = (() => {
  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key in made && !key.startsWith("aria")) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const count = (n) => n.toLocaleString("en");
  const rank = (n) => n.toLocaleString("en", { maximumFractionDigits: 1 });
  const score = (n) => (Math.abs(n) < 100 ? n.toFixed(3) : n.toPrecision(4)).replace("-", "−");
  const unseen = (text) => element("span", { className: "unseen" }, text);

  function model(gallery, position, text = gallery.models[position].name) {
    return element("span", { className: `model model-${gallery.models[position].color}` }, text);
  }

  return { element, count, rank, score, unseen, model };
})();
