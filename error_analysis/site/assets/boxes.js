"use strict";
// Boxes drawn over a picture: the detector's, and those that models predict.
const Boxes = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  // Tol's bright colours, as in the figures.
  const COLORS = ["#ee6677", "#66ccee", "#ccbb44", "#4477aa", "#228833", "#aa3377"];

  function shape(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  }

  function frameOf([x1, y1, x2, y2, label, score, counts], color, unit) {
    const frame = shape("rect", {
      x: x1,
      y: y1,
      width: Math.max(0, x2 - x1),
      height: Math.max(0, y2 - y1),
      fill: "none",
      stroke: color,
      "stroke-width": (counts ? 2.2 : 0.8) * unit,
    });
    frame.append(shape("title", {}, `${label} ${score}`));
    return frame;
  }

  // Best score first; a label that would cover another is left out.
  function addLabels(drawing, named, width, unit) {
    const chips = [];
    for (const [x1, y1, , , label] of named) {
      const tall = 13 * unit;
      const long = label.length * 7 * unit + 6 * unit;
      const x = Math.max(0, Math.min(x1, width - long));
      const y = Math.max(0, y1 - tall);
      if (
        chips.some(
          (chip) => Math.abs(chip.y - y) < tall && x < chip.x + chip.long && chip.x < x + long,
        )
      )
        continue;
      chips.push({ x, y, long });
      drawing.append(
        shape("rect", { x, y, width: long, height: tall, fill: "#000000", "fill-opacity": 0.75 }),
      );
      drawing.append(
        shape(
          "text",
          {
            x: x + 3 * unit,
            y: y + 10 * unit,
            fill: "#ffffff",
            "font-size": 11 * unit,
            textLength: long - 6 * unit,
            lengthAdjust: "spacingAndGlyphs",
          },
          label,
        ),
      );
    }
  }

  // A box is [x1, y1, x2, y2, label, score, whether the label counts], in pixels; best score first.
  function overlay({ size: [width, height], boxes }) {
    const drawing = shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const unit = Math.max(width, height) / 240;
    const named = boxes.filter((box) => box[6]);
    const color = (box) => (box[6] ? COLORS[named.indexOf(box) % COLORS.length] : "#999999");
    drawing.append(...[...boxes].reverse().map((box) => frameOf(box, color(box), unit)));
    addLabels(drawing, named, width, unit);
    return drawing;
  }

  function told({ boxes }) {
    const sure = boxes.filter((box) => box[6]).map((box) => `${box[4]} ${box[5]}`);
    return sure.length ? `regions: ${sure.join(", ")}` : "no region with a sure label";
  }

  // Of each model its name, colour and box: [x1, y1, x2, y2], as shares of the image.
  function predictedOverlay([width, height], predicted) {
    const drawing = shape("svg", {
      class: "predicted",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": predictedTold(predicted),
    });
    const unit = Math.max(width, height) / 240;
    const named = predicted.map(({ name, color, box: [x1, y1, x2, y2] }) => {
      const placed = [x1 * width, y1 * height, x2 * width, y2 * height];
      const [x, y] = placed;
      const frame = { x, y, width: placed[2] - x, height: placed[3] - y, fill: "none" };
      // Dashes of the model's colour on a white line: seen by day and night, unlike the detector's.
      drawing.append(
        shape("rect", { ...frame, class: "under", "stroke-width": 4.4 * unit }),
        shape("rect", {
          ...frame,
          class: `model-${color}`,
          "stroke-width": 2.6 * unit,
          "stroke-dasharray": `${9 * unit} ${4 * unit}`,
        }),
      );
      return [...placed, name];
    });
    addLabels(drawing, named, width, unit);
    return drawing;
  }

  function predictedTold(predicted) {
    const percent = (share) => Math.round(100 * share);
    return predicted
      .map(
        ({ name, box: [x1, y1, x2, y2] }) =>
          `${name} sees the caption ${percent(x1)} to ${percent(x2)} % across, ` +
          `${percent(y1)} to ${percent(y2)} % down`,
      )
      .join("; ");
  }

  return { overlay, told, predictedOverlay, predictedTold };
})();
