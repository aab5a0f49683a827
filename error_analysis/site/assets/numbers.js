"use strict";
// Numbers as they are shown.
const Numbers = (() => {
  const count = (n) => n.toLocaleString("en");
  const rank = (n) => n.toLocaleString("en", { maximumFractionDigits: 1 });
  const score = (n) => (Math.abs(n) < 100 ? n.toFixed(3) : n.toPrecision(4)).replace("-", "−");

  return { count, rank, score };
})();
