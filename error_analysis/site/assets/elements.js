"use strict";
// The elements of the page.
const Elements = (() => {
  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key in made && !key.startsWith("aria")) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const unseen = (text) => element("span", { className: "unseen" }, text);

  // A model by its colour and name, or another text.
  function model(gallery, position, text = gallery.models[position].name) {
    return element("span", { className: `model model-${gallery.models[position].color}` }, text);
  }

  return { element, unseen, model };
})();
