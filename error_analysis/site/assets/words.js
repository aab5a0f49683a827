"use strict";
// The words of queries, for the search: of a caption, or of the captions of an image.
const Words = (() => {
  function of(gallery) {
    let searched = null;

    function look(number) {
      const image = gallery.imageOf(number);
      const said = gallery.isCaption(number)
        ? gallery.text(number)
        : gallery.captionsOf(image).join(" / ");
      const file = gallery.images.files[image].split("/").at(-1);
      const stem = file.replace(/\.\w+$/, "");
      const names = [gallery.id(number), gallery.images.ids[image], file, stem];
      return { said: said.toLowerCase(), names: `\n${names.join("\n")}\n`.toLowerCase() };
    }

    // Whether a query says a word, in lower case, or it is an id of the query or of its image, or
    // the name of its file.
    return function says(number, word) {
      searched ??= Array.from({ length: gallery.size }, (_, one) => look(one));
      const { said, names } = searched[number];
      return said.includes(word) || names.includes(`\n${word}\n`);
    };
  }

  return { of };
})();
