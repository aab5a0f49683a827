"use strict";
// Files that the page makes for the reader to keep.
const Downloads = (() => {
  function save(name, type, content) {
    const address = URL.createObjectURL(new Blob([content], { type }));
    Elements.element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // Rows as RFC 4180 has them; a mark at the beginning tells spreadsheets that it is UTF-8.
  function csv(rows) {
    const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    return `\ufeff${rows.map((row) => row.map((value) => cell(String(value ?? ""))).join(",")).join("\r\n")}\r\n`;
  }

  return { save, csv };
})();
