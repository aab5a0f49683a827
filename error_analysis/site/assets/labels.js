"use strict";
// The labels of queries: their keys are kind and name, "reason:typo". Some are said of one model.
const Labels = (() => {
  const kindOf = (key) => key.slice(0, key.indexOf(":"));
  const nameOf = (key) => key.slice(key.indexOf(":") + 1);

  // The numbers of the queries with a label; of each, the index has its distance from the last.
  function numbersOf(label) {
    if (!label.decoded) {
      let number = 0;
      label.decoded = Int32Array.from(label.queries, (step) => (number += step));
    }
    return label.decoded;
  }

  // `listed` are those of the index; of a key there may be one a model.
  function of(listed) {
    const byKey = new Map();
    for (const label of listed) {
      const key = `${label.kind}:${label.name}`;
      if (!byKey.has(key)) byKey.set(key, []);
      byKey.get(key).push(label);
    }
    const under = (key, model) =>
      byKey.get(key)?.find((one) => one.model === null || one.model === model);
    return {
      // The keys that mean something under a model, each with the number of its queries.
      counts: (model) =>
        [...byKey.keys()]
          .map((key) => [key, under(key, model)?.queries.length ?? 0])
          .filter(([, n]) => n),
      numbers(key, model) {
        const label = under(key, model);
        return label ? numbersOf(label) : [];
      },
      isOfModel: (key) => byKey.get(key)?.some((one) => one.model !== null) ?? false,
      // The keys of a query's labels, under any model.
      ofQuery: (number) =>
        [...byKey]
          .filter(([, labels]) => labels.some((one) => numbersOf(one).includes(number)))
          .map(([key]) => key),
    };
  }

  return { of, kindOf, nameOf };
})();
