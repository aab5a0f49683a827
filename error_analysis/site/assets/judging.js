"use strict";
// The bar that tags a query, and the panel of whose the tags are, export and import.
const Judging = (() => {
  const { element } = Text;

  function tagButton(judgements, number, tag, key) {
    const label = tag === Judgements.NONE ? "none of these" : tag;
    const made = element("button", { type: "button", className: "tag", "aria-pressed": judgements.of(number).tags.includes(tag), "data-tag": tag },
      ...(key === null ? [] : [element("kbd", {}, String(key)), " "]), label);
    made.addEventListener("click", () => judgements.toggle(number, tag));
    return made;
  }

  // The tags that keys stand for: 1 to 9 in their order, 0 for none.
  const tagOfKey = (judgements, key) => (key === "0" ? Judgements.NONE : judgements.tags()[Number(key) - 1]);

  function tagGroup(judgements, number) {
    const offered = judgements.tags();
    const others = judgements.of(number).tags.filter((tag) => tag !== Judgements.NONE && !offered.includes(tag));
    const buttons = [...offered, ...others].map((tag, i) => tagButton(judgements, number, tag, i < Math.min(9, offered.length) ? i + 1 : null));
    return element("div", { className: "tags", role: "group", "aria-label": "Tags of this query" }, ...buttons, tagButton(judgements, number, Judgements.NONE, 0));
  }

  function colleagueList(judgements, number) {
    const items = judgements.colleagues(number).map(({ name, tags, note }) =>
      element("p", { className: "colleague" }, element("b", {}, name), ` ${tags.join(", ") || "no tag"}${note ? ` · ${note}` : ""}`));
    return element("div", { className: "colleagues" }, ...items);
  }

  function bar(judgements, number) {
    const note = element("input", { type: "text", name: "note", value: judgements.of(number).note, placeholder: "Note", "aria-label": "Note on this query", autocomplete: "off" });
    note.addEventListener("change", () => judgements.setNote(number, note.value.trim()));
    return element("div", { className: "judging" }, tagGroup(judgements, number), note, colleagueList(judgements, number));
  }

  // Shows the tags anew; the focus stays, and so does a note that is being written.
  function refresh(bar, judgements, number) {
    const focused = bar.contains(document.activeElement) ? document.activeElement.dataset.tag : undefined;
    bar.querySelector(".tags").replaceWith(tagGroup(judgements, number));
    bar.querySelector(".colleagues").replaceWith(colleagueList(judgements, number));
    if (focused) bar.querySelector(`[data-tag="${CSS.escape(focused)}"]`)?.focus();
    const note = bar.querySelector("input");
    if (note !== document.activeElement) note.value = judgements.of(number).note;
  }

  function download(name, type, content) {
    const address = URL.createObjectURL(new Blob([content], { type }));
    element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // Returns a function that shows the panel's state anew.
  function connect(panel, judgements) {
    const field = (name) => panel.querySelector(`[name="${name}"]`);
    const told = panel.querySelector("output");
    const tell = (text) => { told.textContent = text; };
    const fileName = () => `judgements_${judgements.judge().replace(/[^\p{L}\p{N}]+/gu, "_")}`;

    function exportAs(ending, type, content) {
      if (!judgements.judge()) {
        tell("Give your name first: it tells judges apart.");
        field("judge").focus();
        return;
      }
      download(`${fileName()}.${ending}`, type, content());
      tell(`${Text.count(judgements.count())} judged queries are in ${fileName()}.${ending}.`);
    }

    field("judge").addEventListener("change", () => judgements.setJudge(field("judge").value));
    field("tags").addEventListener("change", () => judgements.setTags(field("tags").value.split(",")));
    field("json").addEventListener("click", () => exportAs("json", "application/json", judgements.json));
    field("csv").addEventListener("click", () => exportAs("csv", "text/csv", judgements.csv));
    field("import").addEventListener("change", async () => {
      const [file] = field("import").files;
      if (!file) return;
      try { tell(`${file.name}: ${judgements.take(await file.text())}.`); } catch (error) { tell(`${file.name}: ${error.message}.`); }
      field("import").value = "";
    });

    function show() {
      field("judge").value = judgements.judge();
      field("tags").value = judgements.tags().join(", ");
      panel.querySelector(".judged").textContent = `${Text.count(judgements.count())} judged`;
      panel.querySelector(".unkept").hidden = judgements.isKept();
      panel.querySelector(".others").replaceChildren(...judgements.names().map((name) => {
        const forget = element("button", { type: "button" }, `Forget ${name}’s`);
        forget.addEventListener("click", () => judgements.forget(name));
        return element("li", {}, forget);
      }));
    }
    show();
    return show;
  }

  return { bar, refresh, tagOfKey, connect };
})();
