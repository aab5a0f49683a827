"use strict";
// The list of the queries that are shown. Of thousands of rows, those in sight are drawn: all have
// one height (--row, see queries.css). One of them is in the order of the Tab key: arrows move on.
const QueryList = (() => {
  const AROUND = 6; // rows drawn above and below those in sight

  function row(gallery, number, position, length, state) {
    const { element } = Elements;
    const { rank } = Numbers;
    const image = gallery.imageOf(number);
    const ranks = gallery.models.map((_, model) => {
      const own = gallery.ranks[model][number];
      const told = Elements.model(gallery, model, rank(own));
      const ties = Number.isInteger(own) ? "" : ", the mean over ties";
      told.title = `rank under ${gallery.models[model].name}, from 0${ties}${own >= gallery.hard_rank ? ": hard" : ""}`;
      told.prepend(Elements.unseen(`${gallery.models[model].name}: rank `));
      if (own >= gallery.hard_rank) told.classList.add("is-hard");
      return told;
    });
    const text = gallery.isCaption(number)
      ? gallery.text(number)
      : `${gallery.text(number)}: ${gallery.captionsOf(image)[0]}`;
    const [tag, ...more] = state.tagsOf(number);
    const told = more.length ? `${tag} + ${more.length}` : tag;
    const tags =
      tag === undefined
        ? []
        : [element("span", { className: "tag", title: [tag, ...more].join(", ") }, told)];
    const link = element(
      "a",
      { href: state.href(number), "data-number": number },
      element("img", { src: gallery.picture(image), alt: "", loading: "lazy", decoding: "async" }),
      element("span", { className: "said" }, text),
      element("span", { className: "ranks" }, ...ranks, ...tags),
    );
    link.tabIndex = -1;
    if (number === state.current) link.setAttribute("aria-current", "true");
    const item = element("li", { "aria-setsize": length, "aria-posinset": position + 1 }, link);
    item.style.top = `calc(${position} * var(--row))`;
    return item;
  }

  // `state` tells the current query, the tags of a query, and the address of one.
  function on(scroller, gallery, state) {
    const list = scroller.querySelector("ol");
    let numbers = [];
    let waits = false;

    const height = () =>
      parseFloat(getComputedStyle(scroller).getPropertyValue("--row")) *
      parseFloat(getComputedStyle(document.documentElement).fontSize);

    function draw() {
      waits = false;
      const tall = height();
      const begin = Math.max(0, Math.floor(scroller.scrollTop / tall) - AROUND);
      const end = Math.min(
        numbers.length,
        Math.ceil((scroller.scrollTop + scroller.clientHeight) / tall) + AROUND,
      );
      const focused = list.contains(document.activeElement)
        ? document.activeElement.dataset.number
        : undefined;
      const rows = [];
      for (let i = begin; i < end; i += 1)
        rows.push(row(gallery, numbers[i], i, numbers.length, state));
      list.replaceChildren(...rows);
      const tabbed = list.querySelector("a[aria-current]") ?? list.querySelector("a");
      if (tabbed) tabbed.tabIndex = 0;
      if (focused)
        (list.querySelector(`a[data-number="${focused}"]`) ?? scroller).focus({
          preventScroll: true,
        });
    }

    function later() {
      if (!waits) requestAnimationFrame(draw);
      waits = true;
    }

    scroller.addEventListener("scroll", later);
    new ResizeObserver(later).observe(scroller);
    return {
      redraw: draw,
      show(found) {
        numbers = found;
        list.style.height = `calc(${found.length} * var(--row))`;
        scroller.scrollTop = 0;
        draw();
      },
      reveal(position) {
        const tall = height();
        const top = position * tall;
        if (top < scroller.scrollTop) scroller.scrollTop = top;
        const low = top + tall - scroller.clientHeight;
        if (low > scroller.scrollTop) scroller.scrollTop = low;
        draw();
      },
    };
  }

  return { on };
})();
