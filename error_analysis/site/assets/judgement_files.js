"use strict";
// The files of judgements, as error_analysis.labels reads them: JSON, which can be imported, and CSV.
const JudgementFiles = (() => {
  function rows(gallery, judged) {
    return [...judged]
      .filter(([query]) => gallery.number(query) !== undefined)
      .map(([query, { tags, note }]) => {
        const number = gallery.number(query);
        const image = gallery.imageOf(number);
        const isCaption = gallery.isCaption(number);
        return {
          query,
          direction: isCaption ? "t2i" : "i2t",
          image_id: gallery.images.ids[image],
          caption_id: isCaption ? gallery.id(number) : null,
          text: isCaption ? gallery.text(number) : gallery.images.files[image],
          tags,
          note,
        };
      });
  }

  function json(gallery, judgements) {
    const { dataset, split, gallery_sha256 } = gallery;
    const about = {
      made_by: "error_analysis.report",
      judge: judgements.judge(),
      dataset,
      split,
      gallery_sha256,
    };
    const content = {
      ...about,
      tags: judgements.tags(),
      judgements: rows(gallery, judgements.judged()),
    };
    return `${JSON.stringify(content, null, 1)}\n`;
  }

  function csv(gallery, judgements) {
    const head = ["query", "direction", "image_id", "caption_id", "text", "tags", "note"];
    const told = rows(gallery, judgements.judged()).map((row) =>
      head.map((name) => (name === "tags" ? row.tags.join(";") : row[name])),
    );
    return Downloads.csv([head, ...told]);
  }

  // Throws an Error that tells what is wrong with a file.
  function parse(text, gallery) {
    let content;
    try {
      content = JSON.parse(text);
    } catch {
      throw new Error("expected judgements as JSON, found something else");
    }
    if (!Judgements.isRecord(content) || !Array.isArray(content.judgements))
      throw new Error("expected a file that “Export JSON” of a report made, found another");
    if (content.gallery_sha256 !== gallery.gallery_sha256) {
      throw new Error(
        `expected judgements of this gallery, found those of another (${content.dataset ?? "?"} ${content.split ?? "?"})`,
      );
    }
    const judge = Judgements.cleanName(content.judge);
    if (!judge) throw new Error("expected the judge’s name (“judge”), found none");
    const known = content.judgements.filter(
      (one) => Judgements.isRecord(one) && gallery.number(one.query) !== undefined,
    );
    return {
      judge,
      tags: Judgements.distinct(content.tags),
      judged: new Map(known.map((one) => [one.query, Judgements.cleanJudgement(one)])),
      unknown: content.judgements.length - known.length,
    };
  }

  // Takes a file in: one's own again, or a colleague's beside them. Returns what it did.
  function take(text, gallery, judgements) {
    const { judge, tags, judged, unknown } = parse(text, gallery);
    const isOwn = judge.toLowerCase() === judgements.judge().toLowerCase();
    const told = [`${judged.size} judgements of ${judge}`];
    if (isOwn) {
      const differ = judgements.addOwn(judged, tags);
      told.push("yours", ...(differ ? [`${differ} differ from those here, which stay`] : []));
    } else judgements.addColleague(judge, judged);
    if (unknown) told.push(`${unknown} more of queries that this report does not have`);
    return told.join(", ");
  }

  return { json, csv, take };
})();
