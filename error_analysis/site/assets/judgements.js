"use strict";
// What people say of queries: tags and a note each. One's own are kept in the browser, under the
// gallery's name: they are there again in a newer report, and in other tabs.
const Judgements = (() => {
  const NONE = "none"; // looked at, and no tag fits

  const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const cleanName = (text) => (typeof text === "string" ? text.replace(/\s+/g, " ").trim() : "");
  // ";" parts the tags in a CSV, "," in the field where they are written.
  const cleanTag = (text) => cleanName(String(text).replace(/[;,]/g, " "));
  const isSame = (tag, other) => tag.toLowerCase() === other.toLowerCase();

  // Each tag as it is first written; "none" only alone.
  function distinct(tags) {
    const found = [];
    for (const tag of (Array.isArray(tags) ? tags : []).map(cleanTag)) {
      if (tag && !found.some((other) => isSame(other, tag)))
        found.push(isSame(tag, NONE) ? NONE : tag);
    }
    return found.length > 1 ? found.filter((tag) => tag !== NONE) : found;
  }

  const cleanJudgement = ({ tags, note }) => ({
    tags: distinct(tags),
    note: typeof note === "string" ? note : "",
  });

  function cleanAll(judged) {
    const entries = Object.entries(isRecord(judged) ? judged : {}).filter(([, one]) =>
      isRecord(one),
    );
    return new Map(entries.map(([query, one]) => [query, cleanJudgement(one)]));
  }

  // What the browser keeps. Other pages may have written it: nothing in it is taken for granted.
  function cleanStored(text, offered) {
    let content = {};
    try {
      content = JSON.parse(text ?? "{}");
    } catch {
      /* as if there were none */
    }
    if (!isRecord(content)) content = {};
    const tags = distinct(content.tags);
    const others = Object.entries(isRecord(content.colleagues) ? content.colleagues : {});
    return {
      judge: cleanName(content.judge),
      tags: tags.length ? tags : [...offered],
      judged: cleanAll(content.judged),
      colleagues: new Map(others.map(([name, judged]) => [name, cleanAll(judged)])),
    };
  }

  function storedText({ judge, tags, judged, colleagues }) {
    const others = [...colleagues].map(([name, of]) => [name, Object.fromEntries(of)]);
    return JSON.stringify({
      judge,
      tags,
      judged: Object.fromEntries(judged),
      colleagues: Object.fromEntries(others),
    });
  }

  // `changed` is called after each change, here or in another tab.
  function of(gallery, changed) {
    const key = `judgements:${gallery.gallery_sha256}`;
    let isKept = true;
    let state = read();

    function read() {
      try {
        return cleanStored(localStorage.getItem(key), gallery.tags);
      } catch {
        isKept = false;
      }
      return cleanStored(null, gallery.tags);
    }

    // Another tab may have written since: what it wrote is changed, and not replaced.
    function change(how) {
      if (isKept) state = read();
      how(state);
      try {
        localStorage.setItem(key, storedText(state));
      } catch {
        isKept = false;
      }
      changed();
    }

    addEventListener("storage", (event) => {
      if (event.key !== key) return;
      state = read();
      changed();
    });

    function put(judged, query, { tags, note }) {
      if (tags.length || note) judged.set(query, { tags, note });
      else judged.delete(query);
    }

    const none = { tags: [], note: "" };
    const judgement = (number) => state.judged.get(gallery.key(number)) ?? none;
    return {
      judge: () => state.judge,
      tags: () => state.tags,
      judged: () => state.judged,
      isKept: () => isKept,
      count: () => [...state.judged.values()].filter(({ tags }) => tags.length).length,
      of: judgement,
      colleagues: () => state.colleagues,
      ofColleagues: (number) =>
        [...state.colleagues].flatMap(([name, judged]) => {
          const found = judged.get(gallery.key(number));
          return found ? [{ name, ...found }] : [];
        }),
      forget: (name) => change(({ colleagues }) => colleagues.delete(name)),
      setJudge: (name) =>
        change((next) => {
          next.judge = cleanName(name);
        }),
      setTags: (tags) =>
        change((next) => {
          next.tags = distinct(tags).filter((tag) => tag !== NONE);
        }),
      setNote: (number, note) =>
        change(({ judged }) => put(judged, gallery.key(number), { ...judgement(number), note })),
      // A tag is put on, or taken off; "none" and the others exclude each other.
      toggle: (number, tag) =>
        change(({ judged }) => {
          const { tags, note } = judgement(number);
          const others = tags.filter(
            (one) => !isSame(one, tag) && (tag === NONE) === (one === NONE),
          );
          const has = tags.some((one) => isSame(one, tag));
          put(judged, gallery.key(number), { tags: has ? others : [...others, tag], note });
        }),
      // One's own come back; where they differ from what is here, what is here stays. Returns how
      // many do.
      addOwn(judged, tags) {
        let differ = 0;
        change((next) => {
          next.tags = distinct([...next.tags, ...tags]);
          for (const [query, one] of judged) {
            const here = next.judged.get(query);
            if (!here) next.judged.set(query, one);
            else if (JSON.stringify(here) !== JSON.stringify(one)) differ += 1;
          }
        });
        return differ;
      },
      addColleague: (name, judged) => change(({ colleagues }) => colleagues.set(name, judged)),
    };
  }

  return { NONE, of, isRecord, cleanName, distinct, cleanJudgement };
})();
