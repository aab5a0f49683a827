"use strict";
// The view in the address, after its "#": the filters, and the query that is open. The first shape
// of a query's address, "#t2i-5003", is read too; what is neither, as "#content", tells nothing.
const Address = (() => {
  function read() {
    const told = location.hash.slice(1);
    const isKey = /^(i2t|t2i)-\d+$/.test(told);
    const filter = new URLSearchParams(isKey ? `query=${told}` : told.includes("=") ? told : "");
    const key = filter.get("query");
    filter.delete("query");
    return { filter, key };
  }

  function of(filter, key) {
    const told = new URLSearchParams(filter);
    if (key) told.set("query", key);
    return `#${String(told).replaceAll("%3A", ":")}`;
  }

  // A new one is a step that the browser's Back undoes.
  function write(filter, key, isNew) {
    const next = of(filter, key);
    if (next === location.hash || (next === "#" && !location.hash)) return;
    history[isNew ? "pushState" : "replaceState"](null, "", next);
  }

  return { read, of, write };
})();
