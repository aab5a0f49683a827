"use strict";
// The panel below the list: whose the tags are, which are offered, export and import.
const JudgingPanel = (() => {
  const { element } = Elements;

  function forgetButton(judgements, name, panel) {
    const made = element("button", { type: "button" }, `Forget ${name}’s`);
    made.addEventListener("click", () => {
      if (!confirm(`Forget ${name}’s judgements? The file that they came from stays.`)) return;
      judgements.forget(name);
      panel.querySelector("[name=import]").focus();
    });
    return made;
  }

  // Returns a function that shows the panel's state anew.
  function connect(panel, gallery, judgements) {
    const field = (name) => panel.querySelector(`[name="${name}"]`);
    const tell = (text) => {
      panel.querySelector("output").textContent = text;
    };
    const fileName = (ending) =>
      `judgements_${judgements.judge().replace(/[\\/:*?"<>|]/g, "_")}.${ending}`;

    function hasName() {
      if (judgements.judge()) return true;
      tell("Give your name first: it tells judges apart.");
      panel.open = true;
      field("judge").focus();
      return false;
    }

    function exportAs(ending, type, write) {
      if (!hasName()) return;
      Downloads.save(fileName(ending), type, write(gallery, judgements));
      tell(`${Numbers.count(judgements.count())} judged queries are in ${fileName(ending)}.`);
    }

    async function importFile() {
      const [file] = field("import").files;
      if (file && hasName()) {
        try {
          tell(`${file.name}: ${JudgementFiles.take(await file.text(), gallery, judgements)}.`);
        } catch (error) {
          tell(`${file.name}: ${error.message}.`);
        }
      }
      field("import").value = "";
    }

    field("blind").addEventListener("change", () =>
      document.body.classList.toggle("is-blind", field("blind").checked),
    );
    field("judge").addEventListener("change", () => judgements.setJudge(field("judge").value));
    field("tags").addEventListener("change", () =>
      judgements.setTags(field("tags").value.split(",")),
    );
    field("json").addEventListener("click", () =>
      exportAs("json", "application/json", JudgementFiles.json),
    );
    field("csv").addEventListener("click", () => exportAs("csv", "text/csv", JudgementFiles.csv));
    field("import").addEventListener("change", importFile);

    function show() {
      for (const [name, value] of [
        ["judge", judgements.judge()],
        ["tags", judgements.tags().join(", ")],
      ]) {
        if (field(name) !== document.activeElement) field(name).value = value;
      }
      panel.querySelector(".judged").textContent = `${Numbers.count(judgements.count())} judged`;
      panel.querySelector(".unkept").hidden = judgements.isKept();
      const names = [...judgements.colleagues().keys()];
      panel
        .querySelector(".others")
        .replaceChildren(
          ...names.map((name) => element("li", {}, forgetButton(judgements, name, panel))),
        );
    }
    show();
    return show;
  }

  return { connect };
})();
