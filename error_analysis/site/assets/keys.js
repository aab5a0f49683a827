"use strict";
// The keys of the page: j and k move, 0 to 9 tag, n writes a note, / searches.
const Keys = (() => {
  // `actions` by key; `tag` gets a digit. Typing in a field is left alone.
  function connect(actions, tag) {
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") Pictures.hideCaptions();
      const isTyping = event.target.matches?.("input, select, textarea");
      if (event.key === "Escape" && isTyping) event.target.blur();
      if (isTyping || document.querySelector("dialog[open]")) return;
      if (/^\d$/.test(event.key)) tag(event.key);
      else if (actions[event.key]) actions[event.key]();
      else return;
      event.preventDefault();
    });
  }

  return { connect };
})();
