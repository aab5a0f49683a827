"use strict";
// Elements, numbers as they are shown, and files that the page makes.
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

  function download(name, type, content) {
    const address = URL.createObjectURL(new Blob([content], { type }));
    element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // Rows as RFC 4180 has them; a mark at the beginning tells spreadsheets that it is UTF-8.
  function csv(rows) {
    const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    return `\ufeff${rows.map((row) => row.map((value) => cell(String(value ?? ""))).join(",")).join("\r\n")}\r\n`;
  }

  return { download, csv, element, count, rank, score, unseen, model };
})();
