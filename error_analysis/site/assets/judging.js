"use strict";
// The bar that tags a query, and the panel of whose the tags are, export and import.
const Judging = (() => {
  const { element } = Elements;

  function tagButton(judgements, number, tag, key) {
    const label = tag === Judgements.NONE ? "none of these" : tag;
    const isOn = judgements.of(number).tags.some((one) => one.toLowerCase() === tag.toLowerCase());
    const made = element(
      "button",
      { type: "button", className: "tag", "aria-pressed": isOn, "data-tag": tag },
      ...(key === null ? [] : [element("kbd", {}, String(key)), " "]),
      label,
    );
    made.addEventListener("click", () => judgements.toggle(number, tag));
    return made;
  }

  // The tags that keys stand for: 1 to 9 in their order, 0 for none.
  const tagOfKey = (judgements, key) =>
    key === "0" ? Judgements.NONE : judgements.tags()[Number(key) - 1];

  function tagGroup(judgements, number) {
    const offered = judgements.tags();
    const isOffered = (tag) =>
      tag === Judgements.NONE || offered.some((one) => one.toLowerCase() === tag.toLowerCase());
    const others = judgements.of(number).tags.filter((tag) => !isOffered(tag));
    const keyOf = (i) => (i < Math.min(9, offered.length) ? i + 1 : null);
    const buttons = [...offered, ...others].map((tag, i) =>
      tagButton(judgements, number, tag, keyOf(i)),
    );
    return element(
      "div",
      { className: "tags", role: "group", "aria-label": "Tags of this query" },
      ...buttons,
      tagButton(judgements, number, Judgements.NONE, 0),
    );
  }

  function colleagueList(judgements, number) {
    const items = judgements
      .ofColleagues(number)
      .map(({ name, tags, note }) =>
        element(
          "p",
          { className: "colleague" },
          element("b", {}, name),
          ` ${tags.join(", ") || "no tag"}${note ? ` · ${note}` : ""}`,
        ),
      );
    return element("div", { className: "colleagues" }, ...items);
  }

  function bar(judgements, number) {
    const note = element("input", {
      type: "text",
      name: "note",
      value: judgements.of(number).note,
      placeholder: "Note",
      "aria-label": "Note on this query",
      autocomplete: "off",
    });
    note.addEventListener("keydown", (event) => event.key === "Enter" && note.blur());
    note.addEventListener("input", () => judgements.setNote(number, note.value.trim()));
    return element(
      "div",
      { className: "judging" },
      tagGroup(judgements, number),
      note,
      colleagueList(judgements, number),
    );
  }

  // Shows the tags anew; the focus stays, and so does a note that is being written.
  function refresh(bar, judgements, number) {
    const focused = bar.contains(document.activeElement)
      ? document.activeElement.dataset.tag
      : undefined;
    bar.querySelector(".tags").replaceWith(tagGroup(judgements, number));
    bar.querySelector(".colleagues").replaceWith(colleagueList(judgements, number));
    if (focused) bar.querySelector(`[data-tag="${CSS.escape(focused)}"]`)?.focus();
    const note = bar.querySelector("input");
    if (note !== document.activeElement) note.value = judgements.of(number).note;
  }

  // Queries by what was said: "tag:typo", "judged:by you", "judged:with a note", "tag of Ben:typo",
  // "judged:unlike Ben".
  function labels(gallery, judgements) {
    const found = new Map();
    const add = (label, query) => {
      const number = gallery.number(query);
      if (number === undefined) return;
      if (!found.has(label)) found.set(label, []);
      found.get(label).push(number);
    };
    const asOffered = (tag) =>
      judgements.tags().find((one) => one.toLowerCase() === tag.toLowerCase()) ?? tag;
    const sorted = (tags) =>
      tags
        .map((tag) => tag.toLowerCase())
        .sort()
        .join(";");
    for (const [query, { tags, note }] of judgements.judged()) {
      for (const tag of tags) add(`tag:${asOffered(tag)}`, query);
      if (tags.length) add("judged:by you", query);
      if (note) add("judged:with a note", query);
    }
    for (const [name, judged] of judgements.colleagues()) {
      for (const [query, { tags }] of judged) {
        for (const tag of tags) add(`tag of ${name}:${asOffered(tag)}`, query);
        const own = judgements.judged().get(query)?.tags ?? [];
        if (own.length && tags.length && sorted(own) !== sorted(tags))
          add(`judged:unlike ${name}`, query);
      }
    }
    return found;
  }

  return { bar, refresh, labels, tagOfKey };
})();
