"use strict";
// The page of all queries: a list that filters make, and one of its queries beside it.
(async () => {
  const page = document.body;
  const form = document.getElementById("filters");
  const article = document.getElementById("query");
  const rows = document.getElementById("list");
  const MOST_BESIDE = 4; // models whose ranks fit beside each other
  const isNarrow = matchMedia("(max-width: 60rem)");
  const say = (text) => article.replaceChildren(Elements.element("p", {}, text));
  const complain = (error) => say(`${error.message}: the report’s folder must be kept whole.`);

  let gallery;
  try {
    gallery = await Data.open();
  } catch (error) {
    complain(error);
    return;
  }

  page.classList.toggle("is-many", gallery.models.length > MOST_BESIDE);
  let filter = new URLSearchParams();
  let found = []; // the numbers of the queries that are shown, in order
  let position = 0; // of the current one among them, or where it was
  let opened = false; // the reader chose a query: the address names it
  let isPushed = false; // and the browser's Back closes it
  let drawn = -1; // the number of the query that the article shows
  let turn = 0; // of drawing: what was asked for later is shown
  const state = {
    current: -1,
    tagsOf: (number) => judgements.of(number).tags,
    href: (number) => Address.of(filter, gallery.key(number)),
  };
  const judgements = Judgements.of(gallery, judged);
  let tagLabels = Judging.labels(gallery, judgements);
  const showPanel = JudgingPanel.connect(
    document.getElementById("judgements"),
    gallery,
    judgements,
  );
  const list = QueryList.on(rows, gallery, state);
  const showForm = FilterForm.connect(form, gallery, () => tagLabels, filterBy);

  const labelled = (key) =>
    tagLabels.get(key) ?? gallery.labels.numbers(key, Filters.modelsOf(gallery, filter)[0]);

  function address(isNew = false) {
    Address.write(filter, opened ? gallery.key(state.current) : null, isNew);
  }

  function find() {
    found = Filters.apply(gallery, filter, labelled);
    const at = found.indexOf(state.current);
    position = at >= 0 ? at : Math.min(position, Math.max(0, found.length - 1));
    return at >= 0;
  }

  function showList() {
    list.show(found);
    if (position > 0) list.reveal(position);
    showForm(filter, found.length);
    tellPosition();
  }

  function tellPosition() {
    const at = found.indexOf(state.current);
    const told =
      at >= 0 ? `${Numbers.count(at + 1)} of ${Numbers.count(found.length)}` : "not among these";
    document.getElementById("position").textContent = state.current >= 0 ? told : "";
  }

  // The reader changed the filters: of what passes now, the first is shown.
  function filterBy(next) {
    filter = next;
    if (!find()) {
      position = 0;
      opened = false;
      state.current = found[0] ?? -1;
    }
    showList();
    address();
    draw();
  }

  // A tag changed: the list may, but the query stays in sight.
  function judged() {
    tagLabels = Judging.labels(gallery, judgements);
    const usesTags = [...filter.getAll("has"), ...filter.getAll("not")].some((key) =>
      /^(tag|judged)\b/.test(key),
    );
    if (usesTags) {
      find();
      showList();
    } else {
      list.redraw();
      showForm(filter, found.length);
    }
    showPanel();
    const bar = article.querySelector(".judging");
    if (bar && drawn >= 0) Judging.refresh(bar, judgements, drawn);
  }

  async function draw() {
    const number = state.current;
    page.classList.toggle("is-open", opened);
    if (number >= 0 && number === drawn) return;
    turn += 1;
    const own = turn;
    drawn = -1; // no key tags what is not seen
    document.getElementById("enlarged").close();
    Pictures.hideCaptions();
    if (number < 0) {
      say("No query passes these filters.");
      return;
    }
    try {
      const details = await gallery.details(number);
      if (own !== turn) return;
      article.replaceChildren(
        ...QueryView.draw(gallery, number, details, Judging.bar(judgements, number), filter),
      );
      drawn = number;
      BoxLayers.draw(gallery, article);
      article.parentElement.scrollTop = 0;
    } catch (error) {
      if (own === turn) complain(error);
    }
  }

  function open(next, isNew) {
    if (next < 0 || next >= found.length) return;
    opened = true;
    isPushed ||= isNew;
    position = next;
    state.current = found[next];
    list.reveal(next);
    tellPosition();
    address(isNew);
    draw();
  }

  // From a query that has left the list, to the one that took its place.
  function move(step) {
    const stands = found[position] === state.current;
    open(stands || step < 0 ? position + step : position, false);
  }

  function close() {
    if (isPushed) {
      history.back();
      return;
    }
    opened = false;
    address();
    showOpened();
  }

  // On a phone a query lies over the list: below it, nothing could be scrolled.
  function showOpened() {
    page.classList.toggle("is-open", opened);
    if (opened || !isNarrow.matches) return;
    list.reveal(position);
    rows.querySelector("a[aria-current]")?.focus({ preventScroll: true });
  }

  function followAddress() {
    const told = Address.read();
    const number = told.key === null ? undefined : gallery.number(told.key);
    filter = told.filter;
    opened = number !== undefined;
    isPushed = false;
    drawn = -1; // the filter may ask for what is marked in it
    if (opened) state.current = number;
    if (!find() && !opened) {
      position = 0;
      state.current = found[0] ?? -1;
    }
    if (told.key !== null && !opened) {
      state.current = -1;
      turn += 1;
      say(`This report has no query ${told.key}.`);
    } else draw();
    showOpened();
    showList();
    if (told.key !== null) page.classList.add("is-open");
    page.dataset.ready = "yes";
    if (!performance.getEntriesByName("first view").length)
      requestAnimationFrame(() => setTimeout(() => performance.mark("first view")));
  }

  Keys.connect(
    {
      j: () => move(1),
      k: () => move(-1),
      n: () => article.querySelector('[name="note"]')?.focus(),
      "/": () => form.elements.text.focus(),
    },
    (digit) => {
      const tag = Judging.tagOfKey(judgements, digit);
      if (tag && drawn >= 0) judgements.toggle(drawn, tag);
    },
  );
  rows.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-number]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(found.indexOf(Number(link.dataset.number)), isNarrow.matches);
    if (isNarrow.matches) document.getElementById("back").focus();
  });
  rows.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(step);
    rows.querySelector("a[aria-current]")?.focus({ preventScroll: true });
  });
  document.getElementById("back").addEventListener("click", close);
  document.getElementById("previous").addEventListener("click", () => move(-1));
  document.getElementById("next").addEventListener("click", () => move(1));
  document
    .getElementById("export")
    .addEventListener("click", () => QueryTable.download(gallery, found));
  document.getElementById("enlarged").addEventListener("click", (event) => {
    if (event.target === event.currentTarget) event.target.close();
  });
  // The view stays in the address.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("content").focus();
  });
  addEventListener("hashchange", followAddress);
  followAddress();
})();
