"use strict";
// The page of all queries: a list that filters make, one query beside it, keys, the address.
(async () => {
  const page = document.body;
  const form = document.getElementById("filters");
  const panel = document.getElementById("judgements");
  const article = document.getElementById("query");
  const isNarrow = matchMedia("(max-width: 60rem)");

  let gallery;
  try { gallery = await Data.open(); } catch (error) {
    document.getElementById("waiting").textContent = `${error.message}: the report's folder must be kept whole.`;
    return;
  }

  let filter = new URLSearchParams();
  let found = []; // the numbers of the queries that are shown, in order
  let position = 0; // of the current one among them
  let opened = false; // the reader chose a query: the address names it
  let drawn = 0;

  const state = {
    current: -1,
    tagsOf: (number) => judgements.of(number).tags,
    href: (number) => `#${addressOf(gallery.key(number))}`,
  };
  const judgements = Judgements.of(gallery, judged);
  let tagLabels = judgements.labels();
  const showPanel = Judging.connect(panel, judgements);
  const list = QueryList.on(document.getElementById("list"), gallery, state);
  const showForm = FilterForm.connect(form, gallery, () => tagLabels, (next) => { filter = next; refilter(); address(); });

  const labelled = (key) => tagLabels.get(key) ?? gallery.labelled(key, Filters.modelsOf(gallery, filter)[0]);
  const usesTags = () => [...filter.getAll("has"), ...filter.getAll("not")].some((key) => /^(tag|judged)\b/.test(key));

  function addressOf(query) {
    const told = new URLSearchParams(filter);
    if (query) told.set("query", query);
    return String(told).replaceAll("%3A", ":");
  }

  // On a phone a query lies over the list: going back closes it.
  function address(isNew = false) {
    const next = `#${addressOf(opened ? gallery.key(state.current) : null)}`;
    if (next === location.hash || (next === "#" && !location.hash)) return;
    history[isNew ? "pushState" : "replaceState"](null, "", next);
  }

  function refilter() {
    found = Filters.apply(gallery, filter, labelled);
    showForm(filter, found.length);
    const at = found.indexOf(state.current);
    if (at >= 0) position = at;
    else if (!opened || found.length) choose(0);
    list.show(found);
    if (position > 0) list.reveal(position);
  }

  // The tags of a query changed: the list may, but the query stays in sight.
  function judged() {
    tagLabels = judgements.labels();
    if (usesTags()) {
      found = Filters.apply(gallery, filter, labelled);
      const at = found.indexOf(state.current);
      position = at >= 0 ? at : Math.min(position, Math.max(0, found.length - 1));
      list.show(found);
      list.reveal(position);
    } else list.redraw();
    showForm(filter, found.length);
    showPanel();
    const bar = article.querySelector(".judging");
    if (bar) Judging.refresh(bar, judgements, state.current);
    tellPosition();
  }

  function choose(next) {
    position = next;
    state.current = found[next] ?? -1;
    opened &&= state.current >= 0;
    draw();
  }

  function tellPosition() {
    const at = found.indexOf(state.current);
    const told = at >= 0 ? `${Text.count(at + 1)} of ${Text.count(found.length)}` : "not among these";
    document.getElementById("position").textContent = state.current >= 0 ? told : "";
  }

  async function draw() {
    const number = state.current;
    drawn += 1;
    const turn = drawn;
    Pictures.hideCaptions();
    page.classList.toggle("is-open", opened);
    tellPosition();
    if (number < 0) {
      article.replaceChildren(Text.element("p", { className: "quiet" }, "No query passes these filters."));
      return;
    }
    try {
      const details = await gallery.details(number);
      if (turn !== drawn) return;
      article.replaceChildren(...QueryView.draw(gallery, number, details, Judging.bar(judgements, number)));
      Pictures.drawBoxes(gallery, article);
      article.parentElement.scrollTop = 0;
    } catch (error) { article.replaceChildren(Text.element("p", {}, `${error.message}: the report's folder must be kept whole.`)); }
  }

  function open(next, isNew) {
    if (next < 0 || next >= found.length) return;
    opened = true;
    choose(next);
    list.reveal(next);
    address(isNew);
  }

  // j: from a query that has left the list, to the one that took its place.
  function move(step) {
    const stands = found[position] === state.current;
    open(stands || step < 0 ? position + step : position, false);
  }

  function close() {
    opened = false;
    page.classList.remove("is-open");
    address();
    document.querySelector(`#list a[data-number="${state.current}"]`)?.focus();
  }

  function followAddress() {
    let told = location.hash.slice(1);
    if (told && !told.includes("=")) told = `query=${told}`;
    const next = new URLSearchParams(told);
    const key = next.get("query");
    next.delete("query");
    filter = next;
    const number = key === null ? undefined : gallery.number(key);
    opened = number !== undefined;
    if (opened) state.current = number;
    refilter();
    if (opened) {
      draw();
    } else if (key !== null) {
      drawn += 1; // what is being loaded is not to be shown
      article.replaceChildren(Text.element("p", {}, `This report has no query ${key}.`));
      page.classList.add("is-open");
    } else page.classList.remove("is-open");
    page.dataset.ready = "yes";
    if (!performance.getEntriesByName("first view").length) requestAnimationFrame(() => setTimeout(() => performance.mark("first view")));
  }

  const KEYS = {
    j: () => move(1), k: () => move(-1),
    n: () => article.querySelector('[name="note"]')?.focus(),
    "/": () => form.elements.text.focus(),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && isTyping) event.target.blur();
    if (isTyping || document.getElementById("enlarged").open) return;
    const tag = /^\d$/.test(event.key) ? Judging.tagOfKey(judgements, event.key) : undefined;
    if (tag && state.current >= 0) judgements.toggle(state.current, tag);
    else if (KEYS[event.key]) KEYS[event.key]();
    else return;
    event.preventDefault();
  });
  document.getElementById("list").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-number]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(found.indexOf(Number(link.dataset.number)), isNarrow.matches);
    if (isNarrow.matches) document.getElementById("back").focus();
  });
  document.getElementById("list").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(step);
    document.querySelector("#list a[aria-current]")?.focus({ preventScroll: true });
  });
  document.getElementById("back").addEventListener("click", close);
  document.getElementById("previous").addEventListener("click", () => move(-1));
  document.getElementById("next").addEventListener("click", () => move(1));
  document.getElementById("enlarged").addEventListener("click", (event) => {
    if (event.target === event.currentTarget) event.target.close();
  });
  addEventListener("hashchange", followAddress);
  followAddress();
})();
