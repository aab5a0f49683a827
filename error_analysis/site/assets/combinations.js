"use strict";
// For exactly which models queries are hard. The address has their slugs, "exactly=clip,xvlm", in
// the models' order; "-" stands for no model.
const Combinations = (() => {
  const { count } = Numbers;
  const NONE = "-";
  const bits = new WeakMap(); // of a gallery, a number a query: a bit a model that it is hard for

  function bitsOf(gallery) {
    if (!bits.has(gallery)) {
      const of = new Float64Array(gallery.size);
      gallery.ranks.forEach((ranks, model) => {
        for (let number = 0; number < gallery.size; number += 1)
          if (ranks[number] >= gallery.hard_rank) of[number] += 2 ** model;
      });
      bits.set(gallery, of);
    }
    return bits.get(gallery);
  }

  // What is asked for as a number like those of the queries; of a model that is not there, NaN.
  function wanted(gallery, exactly) {
    if (exactly === NONE) return 0;
    return [...new Set(exactly.split(","))].reduce((sum, slug) => {
      const model = gallery.model(slug);
      return sum + (model < 0 ? NaN : 2 ** model);
    }, 0);
  }

  // Tells whether a query is hard for exactly those; without them, every query passes.
  function passes(gallery, exactly) {
    if (!exactly) return () => true;
    const [of, asked] = [bitsOf(gallery), wanted(gallery, exactly)];
    return (number) => of[number] === asked;
  }

  const keyOf = (models) => models.map((model) => model.slug).join(",") || NONE;

  // What is asked for, in words.
  function described({ models }, exactly) {
    const hard = models.filter((model) => exactly.split(",").includes(model.slug));
    const others = models.filter((model) => !hard.includes(model));
    if (!hard.length) return exactly === NONE ? "found by every model" : `hard for ${exactly}`;
    if (models.length > 1 && !others.length) return "missed by every model";
    if (models.length > 2 && others.length === 1) return `found by ${others[0].name} alone`;
    if (models.length > 1 && hard.length === 1) return `missed by ${hard[0].name} alone`;
    return `hard for exactly ${hard.map((model) => model.name).join(", ")}`;
  }

  // The combinations that are offered, those that any query has, and the one that is chosen.
  function options(gallery, chosen) {
    const { models } = gallery;
    const sets = [
      models,
      ...models.map((one) => models.filter((other) => other !== one)),
      ...models.map((one) => [one]),
      [],
    ];
    const counts = new Map();
    for (const of of bitsOf(gallery)) counts.set(of, (counts.get(of) ?? 0) + 1);
    const keys = new Set([...sets.map(keyOf), ...(chosen ? [chosen] : [])]);
    return [...keys]
      .map((key) => [key, counts.get(wanted(gallery, key)) ?? 0])
      .filter(([key, n]) => n || key === chosen)
      .map(([key, n]) =>
        Elements.element("option", { value: key }, `${described(gallery, key)} (${count(n)})`),
      );
  }

  return { passes, described, options };
})();
