"use strict";
// What people say of queries: tags and a note each. One's own are kept in the browser, under the
// gallery's name: they are there again in a newer report. Files are read by error_analysis.labels.
const Judgements = (() => {
  const NONE = "none"; // looked at, and no tag fits

  const cleanTag = (text) => String(text).replace(/[;\s]+/g, " ").trim();
  const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  function cleanJudgement(one) {
    const tags = Array.isArray(one.tags) ? [...new Set(one.tags.map(cleanTag).filter(Boolean))] : [];
    return { tags, note: typeof one.note === "string" ? one.note : "" };
  }

  // The file of one judge, as `exported` makes it. Throws an Error that tells what is wrong.
  function parse(text, gallery) {
    let content;
    try { content = JSON.parse(text); } catch { throw new Error("expected judgements as JSON, found something else"); }
    if (!isRecord(content) || !Array.isArray(content.judgements)) throw new Error("expected a file that “Export JSON” of a report made, found another");
    if (content.gallery_sha256 !== gallery.gallery_sha256) {
      throw new Error(`expected judgements of this gallery, found those of another (${content.dataset ?? "?"} ${content.split ?? "?"})`);
    }
    const known = content.judgements.filter((one) => isRecord(one) && gallery.number(one.query) !== undefined);
    return {
      judge: String(content.judge ?? "").trim(),
      tags: (Array.isArray(content.tags) ? content.tags : []).map(cleanTag).filter(Boolean),
      judged: new Map(known.map((one) => [one.query, cleanJudgement(one)])),
      unknown: content.judgements.length - known.length,
    };
  }

  function csv(rows) {
    const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    return rows.map((row) => row.map((value) => cell(String(value ?? ""))).join(",")).join("\r\n") + "\r\n";
  }

  // `changed` is called after each change.
  function of(gallery, changed) {
    const key = `judgements:${gallery.gallery_sha256}`;
    const stored = read(key);
    const own = {
      judge: stored.judge ?? "",
      tags: Array.isArray(stored.tags) && stored.tags.length ? stored.tags : [...gallery.tags],
      judged: new Map(Object.entries(stored.judged ?? {})),
    };
    const colleagues = new Map(Object.entries(stored.colleagues ?? {}).map(([name, judged]) => [name, new Map(Object.entries(judged))]));
    let isKept = true;

    function read(name) {
      try {
        const content = JSON.parse(localStorage.getItem(name) ?? "{}");
        return isRecord(content) ? content : {};
      } catch { return {}; }
    }

    function save() {
      const others = Object.fromEntries([...colleagues].map(([name, judged]) => [name, Object.fromEntries(judged)]));
      const content = { judge: own.judge, tags: own.tags, judged: Object.fromEntries(own.judged), colleagues: others };
      try { localStorage.setItem(key, JSON.stringify(content)); isKept = true; } catch { isKept = false; }
      changed();
    }

    const judgement = (number) => own.judged.get(gallery.key(number)) ?? { tags: [], note: "" };

    function put(number, { tags, note }) {
      if (tags.length || note) own.judged.set(gallery.key(number), { tags, note });
      else own.judged.delete(gallery.key(number));
      save();
    }

    // Queries by tag: "tag:typo", "judged:by you", "tag of Ben:typo".
    function labels() {
      const found = new Map();
      const add = (label, query) => {
        const number = gallery.number(query);
        if (number === undefined) return;
        if (!found.has(label)) found.set(label, []);
        found.get(label).push(number);
      };
      for (const [query, { tags }] of own.judged) {
        for (const tag of tags) add(`tag:${tag}`, query);
        if (tags.length) add("judged:by you", query);
      }
      for (const [name, judged] of colleagues) {
        for (const [query, { tags }] of judged) for (const tag of tags) add(`tag of ${name}:${tag}`, query);
      }
      return found;
    }

    function rows() {
      return [...own.judged].filter(([query]) => gallery.number(query) !== undefined).map(([query, { tags, note }]) => {
        const number = gallery.number(query);
        const image = gallery.imageOf(number);
        const isCaption = gallery.isCaption(number);
        return {
          query, direction: isCaption ? "t2i" : "i2t", image_id: gallery.images.ids[image],
          caption_id: isCaption ? gallery.id(number) : null,
          text: isCaption ? gallery.text(number) : gallery.images.files[image], tags, note,
        };
      });
    }

    return {
      judge: () => own.judge,
      tags: () => own.tags,
      isKept: () => isKept,
      count: () => [...own.judged.values()].filter(({ tags }) => tags.length).length,
      of: judgement,
      labels,
      colleagues: (number) => [...colleagues].flatMap(([name, judged]) => {
        const found = judged.get(gallery.key(number));
        return found ? [{ name, ...found }] : [];
      }),
      names: () => [...colleagues.keys()],
      forget(name) { colleagues.delete(name); save(); },
      setJudge(name) { own.judge = name.trim(); save(); },
      setTags(tags) { own.tags = [...new Set(tags.map(cleanTag).filter((tag) => tag && tag !== NONE))]; save(); },
      setNote(number, note) { put(number, { ...judgement(number), note }); },
      // A tag is put on, or taken off; "none" and the others exclude each other.
      toggle(number, tag) {
        const { tags, note } = judgement(number);
        const others = tags.filter((one) => one !== tag && (tag === NONE) === (one === NONE));
        put(number, { tags: tags.includes(tag) ? others : [...others, tag], note });
      },
      json() {
        const { dataset, split, gallery_sha256 } = gallery;
        const content = { made_by: "error_analysis.report", judge: own.judge, dataset, split, gallery_sha256, tags: own.tags, judgements: rows() };
        return `${JSON.stringify(content, null, 1)}\n`;
      },
      csv() {
        const head = ["query", "direction", "image_id", "caption_id", "text", "tags", "note"];
        return csv([head, ...rows().map((row) => head.map((name) => (name === "tags" ? row.tags.join(";") : row[name])))]);
      },
      // Takes a file in: one's own judgements again, or a colleague's beside them. Returns what it did.
      take(text) {
        const { judge, tags, judged, unknown } = parse(text, gallery);
        if (!judge) throw new Error("the file does not tell whose judgements it has (“judge”)");
        const mine = judge === own.judge || (!own.judge && !own.judged.size);
        if (mine) {
          own.judge = judge;
          own.tags = tags.length ? tags : own.tags;
          for (const [query, one] of judged) own.judged.set(query, one);
        } else colleagues.set(judge, judged);
        save();
        const left = unknown ? `, and ${unknown} of queries that this report does not have` : "";
        return `${judged.size} judgements of ${mine ? `${judge}: yours` : judge}${left}`;
      },
    };
  }

  return { NONE, of };
})();
