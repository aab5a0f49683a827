"use strict";
// The queries that are shown, as a table for a spreadsheet or pandas.
const QueryTable = (() => {
  function rows(gallery, found) {
    const names = gallery.models.map((model) => model.name);
    const head = [
      "query",
      "direction",
      "image_id",
      "caption_id",
      "text",
      ...names.map((name) => `rank ${name}`),
      ...names.map((name) => `margin ${name}`),
    ];
    const told = found.map((number) => {
      const isCaption = gallery.isCaption(number);
      const image = gallery.imageOf(number);
      const about = [
        gallery.key(number),
        isCaption ? "t2i" : "i2t",
        gallery.images.ids[image],
        isCaption ? gallery.id(number) : null,
      ];
      const text = isCaption ? gallery.text(number) : gallery.images.files[image];
      return [
        ...about,
        text,
        ...gallery.ranks.map((of) => of[number]),
        ...gallery.margins.map((of) => of[number]),
      ];
    });
    return [head, ...told];
  }

  const download = (gallery, found) =>
    Downloads.save("queries.csv", "text/csv", Downloads.csv(rows(gallery, found)));

  return { download };
})();
