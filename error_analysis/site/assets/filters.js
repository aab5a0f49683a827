"use strict";
// Which queries are shown, in which order. A filter is what the address says, after its "#":
//   text=dog direction=t2i a=lxmert b=clip a_from=10 a_to= b_from= b_to= diff_from= diff_to=
//   has=reason:typo (any number) not=object:dog (any number) exactly=clip,lxmert sort=difference
const Filters = (() => {
  const NUMBERS = ["a_from", "a_to", "b_from", "b_to", "diff_from", "diff_to"];
  const FIELDS = ["text", "direction", "exactly", "a", "b", ...NUMBERS, "sort"];

  // The positions of the models that `a` and `b` name: the first and the second where none is.
  function modelsOf(gallery, filter) {
    const named = (key, otherwise) => {
      const found = gallery.model(filter.get(key) ?? "");
      return found < 0 ? otherwise : found;
    };
    const a = named("a", 0);
    return [
      a,
      named(
        "b",
        gallery.models.findIndex((_, position) => position !== a),
      ),
    ];
  }

  function bound(filter, name, otherwise) {
    const value = filter.get(name);
    return value === null || value.trim() === "" || Number.isNaN(Number(value))
      ? otherwise
      : Number(value);
  }

  function ranges(gallery, filter) {
    const [a, b] = modelsOf(gallery, filter);
    const found = [];
    const add = (name, value) => {
      const [low, high] = [
        bound(filter, `${name}_from`, -Infinity),
        bound(filter, `${name}_to`, Infinity),
      ];
      if (low > -Infinity || high < Infinity) found.push({ low, high, value });
    };
    add("a", (number) => gallery.ranks[a][number]);
    if (b >= 0) {
      add("b", (number) => gallery.ranks[b][number]);
      add("diff", (number) => gallery.ranks[a][number] - gallery.ranks[b][number]);
    }
    return found;
  }

  // `labelled(key)` gives the numbers of the queries with a label.
  function matching(gallery, filter, labelled) {
    const kept = new Uint8Array(gallery.size).fill(1);
    for (const key of filter.getAll("has")) {
      const those = new Uint8Array(gallery.size);
      for (const number of labelled(key)) those[number] = 1;
      for (let number = 0; number < gallery.size; number += 1) kept[number] &= those[number];
    }
    for (const key of filter.getAll("not")) for (const number of labelled(key)) kept[number] = 0;
    if (filter.get("direction") === "i2t") kept.fill(0, gallery.nImages);
    if (filter.get("direction") === "t2i") kept.fill(0, 0, gallery.nImages);
    const words = (filter.get("text") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const bounds = ranges(gallery, filter);
    const isHardFor = Combinations.passes(gallery, filter.get("exactly"));
    const found = [];
    for (let number = 0; number < gallery.size; number += 1) {
      if (
        kept[number] &&
        isHardFor(number) &&
        bounds.every(({ low, high, value }) => low <= value(number) && value(number) <= high) &&
        words.every((word) => gallery.says(number, word))
      )
        found.push(number);
    }
    return found;
  }

  // What queries are sorted by, smallest first.
  function sortKey(gallery, filter) {
    const [a, b] = modelsOf(gallery, filter);
    const rank = gallery.ranks[a];
    if (filter.get("sort") === "gallery") return (number) => number;
    if (filter.get("sort") === "best") return (number) => rank[number];
    if (filter.get("sort") === "margin") return (number) => gallery.margins[a][number];
    if (filter.get("sort") === "difference" && b >= 0)
      return (number) => gallery.ranks[b][number] - rank[number];
    return (number) => -rank[number];
  }

  function apply(gallery, filter, labelled) {
    const key = sortKey(gallery, filter);
    return matching(gallery, filter, labelled).sort(
      (one, other) => key(one) - key(other) || one - other,
    );
  }

  // What the fields of a filter ask for, in words, with their names.
  function described(gallery, filter) {
    const [a, b] = modelsOf(gallery, filter).map((position) => gallery.models[position]?.name);
    const told = [];
    if (filter.get("text")) told.push({ names: ["text"], told: `“${filter.get("text")}”` });
    const direction = { i2t: "image queries", t2i: "caption queries" }[filter.get("direction")];
    if (direction) told.push({ names: ["direction"], told: direction });
    const exactly = filter.get("exactly");
    if (exactly) told.push({ names: ["exactly"], told: Combinations.described(gallery, exactly) });
    for (const [name, what] of [
      ["a", `rank under ${a}`],
      ["b", `rank under ${b}`],
      ["diff", `${a} − ${b}`],
    ]) {
      const [low, high] = [bound(filter, `${name}_from`, null), bound(filter, `${name}_to`, null)];
      const names = [`${name}_from`, `${name}_to`];
      if (low !== null && high !== null) told.push({ names, told: `${what}: ${low} to ${high}` });
      else if (low !== null) told.push({ names, told: `${what} ≥ ${low}` });
      else if (high !== null) told.push({ names, told: `${what} ≤ ${high}` });
    }
    return told;
  }

  return { FIELDS, modelsOf, described, apply };
})();
