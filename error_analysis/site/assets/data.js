"use strict";
// The gallery: its images, captions and queries. Data come as scripts that call `reportData`: a
// page that is opened as a file may load nothing else.
const Data = (() => {
  const waiting = new Map();

  window.reportData = (key, content) => {
    const entry = waiting.get(key);
    if (!entry) return;
    entry.isThere = true;
    entry.resolve(content);
  };

  function load(key, source) {
    if (!waiting.has(key)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      waiting.set(key, entry);
      const script = document.createElement("script");
      script.src = source;
      // A script that is cut off is loaded, and says nothing.
      script.onload = script.onerror = () => {
        script.remove();
        if (entry.isThere) return;
        waiting.delete(key);
        entry.reject(new Error(`${source} cannot be loaded`));
      };
      document.head.append(script);
    }
    return waiting.get(key).promise;
  }

  // Queries are numbered: the images in the gallery's order, then the captions.
  function galleryOf(raw) {
    const { images, captions, models, ranks, margins } = raw;
    const nImages = images.ids.length;
    const size = nImages + captions.ids.length;
    const first = new Int32Array(nImages + 1);
    for (const image of captions.images) first[image + 1] += 1;
    for (let image = 0; image < nImages; image += 1) first[image + 1] += first[image];
    let numbers = null;

    const gallery = {
      ...raw,
      nImages,
      size,
      labels: Labels.of(raw.labels),
      ranks: ranks.map((of) => Float64Array.from(of)),
      margins: margins.map((of) => Float64Array.from(of)),
      imageOf: (number) => (number < nImages ? number : captions.images[number - nImages]),
      isCaption: (number) => number >= nImages,
      captionsOf: (image) => captions.texts.slice(first[image], first[image + 1]),
      captionNumbers: (image) => [first[image], first[image + 1]],
      text: (number) =>
        number < nImages ? `Image ${images.ids[number]}` : captions.texts[number - nImages],
      id: (number) => (number < nImages ? images.ids[number] : captions.ids[number - nImages]),
      key: (number) => `${number < nImages ? "i2t" : "t2i"}-${gallery.id(number)}`,
      number: (key) => {
        numbers ??= new Map(
          Array.from({ length: size }, (_, number) => [gallery.key(number), number]),
        );
        return numbers.get(key);
      },
      model: (slug) => models.findIndex((model) => model.slug === slug),
      details: async (number) => {
        const part = Math.floor(number / raw.per_part);
        return (await load(`part-${part}`, `data/part_${part}.js`))[number % raw.per_part];
      },
      boxes: (image) => load(`boxes-${images.ids[image]}`, `boxes/${images.ids[image]}.js`),
      picture: (image) => `pictures/${images.ids[image]}.webp`,
    };
    return { ...gallery, says: Words.of(gallery) };
  }

  return { open: async () => galleryOf(await load("queries", "data/queries.js")) };
})();
