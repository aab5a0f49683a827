"use strict";
// Search, filters, permanent links and boxes. Data come as scripts that call `reportData`: a page
// that is opened as a file may load nothing else.
(() => {
  const waiting = new Map();

  window.reportData = (key, content) => {
    const entry = waiting.get(key);
    if (entry) entry.resolve(content);
  };

  function load(key, source) {
    if (!waiting.has(key)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      waiting.set(key, entry);
      const script = document.createElement("script");
      script.src = source;
      script.onerror = () => entry.reject(new Error(source + " cannot be loaded"));
      document.head.append(script);
    }
    return waiting.get(key).promise;
  }

  const gallery = document.body.dataset.gallery;
  const page = Number(document.body.dataset.page || 0);
  const isSearch = "search" in document.body.dataset;
  const form = document.getElementById("filters");
  const NAMES = ["text", "reason", "from", "to"];
  const count = (n) => n.toLocaleString("en");

  const hash = () => {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return location.hash.slice(1); }
  };
  const isFilter = () => location.hash.includes("=");

  function filtersOf(parameters) {
    const words = (parameters.get("text") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const bound = (name, otherwise) => {
      const value = parameters.get(name);
      return value === null || value === "" || isNaN(value) ? otherwise : Number(value);
    };
    const reason = parameters.get("reason") || "";
    const [from, to] = [bound("from", -Infinity), bound("to", Infinity)];
    const active = Boolean(words.length || reason || from > -Infinity || to < Infinity);
    return { words, reason, from, to, active };
  }

  // A card of the index: [id, page, rank, reasons, text, title].
  function matches(card, filters, reasons) {
    return filters.from <= card[2] && card[2] <= filters.to
      && (!filters.reason || card[3].some((index) => reasons[index] === filters.reason))
      && filters.words.every((word) => (card[0] + " " + card[4]).toLowerCase().includes(word));
  }

  function element(name, text, properties = {}) {
    const made = Object.assign(document.createElement(name), properties);
    made.textContent = text;
    return made;
  }

  function showGallery(data, filters, parameters) {
    const kept = data.cards.filter((card) => matches(card, filters, data.reasons));
    const ids = new Set(kept.filter((card) => card[1] === page).map((card) => card[0]));
    for (const card of document.querySelectorAll("article.card")) {
      card.hidden = filters.active && !ids.has(card.id);
    }
    const output = form.querySelector("output");
    output.replaceChildren();
    if (!filters.active) return;
    const here = data.pages.length > 1 ? `, ${count(ids.size)} of them on this page` : "";
    output.append(`${count(kept.length)} of the ${count(data.cards.length)} shown queries match${here}.`);
    const others = data.pages.map((_, other) => kept.filter((card) => card[1] === other).length);
    others.forEach((n, other) => {
      if (!n || other === page) return;
      const href = data.pages[other] + "#" + parameters;
      output.append(" ", element("a", `Page ${other + 1}: ${count(n)}`, { href }));
    });
  }

  const MOST_FOUND = 100;
  const HINT = isSearch ? form.querySelector("output").textContent : "";

  function showFound(data, filters) {
    const output = form.querySelector("output");
    const list = document.getElementById("found");
    list.replaceChildren();
    output.textContent = filters.active ? "" : HINT;
    if (!filters.active) return;
    const kept = data.cards.filter((card) => matches(card, filters, data.reasons));
    const first = kept.length > MOST_FOUND ? ` The first ${MOST_FOUND} are listed.` : "";
    output.append(`${count(kept.length)} of ${count(data.cards.length)} queries match.${first}`);
    for (const card of kept.slice(0, MOST_FOUND)) {
      const item = document.createElement("li");
      item.append(element("a", card[4].length > 200 ? `${card[4].slice(0, 199)}…` : card[4], { href: `${data.pages[card[1]]}#${card[0]}` }));
      const told = [data.titles[card[5]], `rank ${card[2]}`, ...card[3].map((i) => data.reasons[i])];
      item.append(element("small", told.join(" · ")));
      list.append(item);
    }
  }

  const index = () => load(isSearch ? "all" : gallery, `data/${isSearch ? "all" : gallery}.js`);

  async function applyFilters(parameters) {
    const data = await index();
    const filters = filtersOf(parameters);
    if (isSearch) showFound(data, filters);
    else showGallery(data, filters, parameters);
    document.body.dataset.ready = "yes";
  }

  function fillForm(parameters) {
    for (const name of NAMES) {
      const field = form.elements[name];
      if (field) field.value = parameters.get(name) || "";
    }
  }

  function parametersOfForm() {
    const parameters = new URLSearchParams();
    for (const name of NAMES) {
      const field = form.elements[name];
      if (field && field.value.trim()) parameters.set(name, field.value.trim());
    }
    return parameters;
  }

  function changed() {
    const parameters = parametersOfForm();
    history.replaceState(null, "", `#${parameters}`);
    applyFilters(parameters);
  }

  // The hash is a filter (text=dog&from=20), or the id of a query.
  function followHash() {
    const id = hash();
    if (isFilter()) {
      const parameters = new URLSearchParams(location.hash.slice(1));
      if (form) {
        fillForm(parameters);
        applyFilters(parameters);
      }
    } else if (id && !document.getElementById(id) && isSearch) {
      openQuery(id);
    } else if (id && !document.getElementById(id) && gallery) {
      location.replace(`search.html#${encodeURIComponent(id)}`);
    } else if (id && document.getElementById(id)?.matches("article.card")) {
      const card = document.getElementById(id);
      if (form) {
        fillForm(new URLSearchParams());
        form.querySelector("output").replaceChildren();
      }
      for (const other of document.querySelectorAll("article.card")) other.hidden = false;
      card.scrollIntoView();
      card.focus({ preventScroll: true });
    }
  }

  async function openQuery(id) {
    const data = await index();
    const card = data.cards.find((one) => one[0] === id);
    if (card) {
      location.replace(`${data.pages[card[1]]}#${encodeURIComponent(id)}`);
    } else {
      form.querySelector("output").textContent =
        `This report does not show a query ${id}: it is not hard, or not among the worst of its gallery.`;
    }
  }

  const SVG = "http://www.w3.org/2000/svg";
  // Tol's bright colours, as in the figures.
  const COLORS = ["#ee6677", "#66ccee", "#ccbb44", "#4477aa", "#228833", "#aa3377"];

  function shape(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  }

  function overlay({ size: [width, height], boxes }) {
    const drawing = shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const unit = Math.max(width, height) / 240;
    const named = boxes.filter((box) => box[6]);
    const chips = [];
    const frames = [...boxes].reverse().map((box) => {
      const [x1, y1, x2, y2, label, score, counts] = box;
      const place = named.indexOf(box);
      const color = counts ? COLORS[place % COLORS.length] : "#999999";
      const frame = shape("rect", {
        x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), fill: "none",
        stroke: color, "stroke-width": (counts ? 2.2 : 0.8) * unit,
      });
      frame.append(shape("title", {}, `${label} ${score}`));
      return frame;
    });
    drawing.append(...frames);
    // Best score first; a label that would cover another is left out.
    for (const [x1, y1, , , label] of named) {
      const tall = 13 * unit;
      const long = label.length * 7 * unit + 6 * unit;
      const x = Math.max(0, Math.min(x1, width - long));
      const y = Math.max(0, y1 - tall);
      if (chips.some((chip) => Math.abs(chip.y - y) < tall && x < chip.x + chip.long && chip.x < x + long)) continue;
      chips.push({ x, y, long });
      drawing.append(shape("rect", { x, y, width: long, height: tall, fill: "#000000", "fill-opacity": 0.75 }));
      drawing.append(shape("text", {
        x: x + 3 * unit, y: y + 10 * unit, fill: "#ffffff", "font-size": 11 * unit,
        textLength: long - 6 * unit, lengthAdjust: "spacingAndGlyphs",
      }, label));
    }
    return drawing;
  }

  async function toggleBoxes(button) {
    const card = button.closest("article");
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    for (const drawing of card.querySelectorAll(".thumb svg")) drawing.remove();
    if (!shown) return;
    for (const thumb of card.querySelectorAll(".thumb[data-image]")) {
      const id = thumb.dataset.image;
      const content = await load(`boxes-${id}`, `boxes/${id}.js`);
      if (button.getAttribute("aria-pressed") === "true" && !thumb.querySelector("svg")) {
        thumb.append(overlay(content));
        const labels = content.boxes.filter((box) => box[6]).map((box) => `${box[4]} ${box[5]}`);
        thumb.title = labels.length ? `regions: ${labels.join(", ")}` : "no region with a sure label";
      }
    }
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", changed);
    form.addEventListener("reset", () => setTimeout(changed));
  }
  for (const button of document.querySelectorAll("button.show-boxes")) {
    button.hidden = false;
    button.addEventListener("click", () => toggleBoxes(button));
  }
  addEventListener("hashchange", followHash);
  followHash();
})();
