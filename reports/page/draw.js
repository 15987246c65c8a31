// Colours and canvas. Colours are those of the style, so that light and dark are told once.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

let colours = null;

function paints() {
  if (!colours) {
    colours = {};
    for (const name of [...origins, "grey", "ink", "quiet", "line", "page", "band", "select", "accent"]) {
      colours[name] = colour(name);
    }
  }
  return colours;
}

for (const media of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(media).addEventListener("change", () => {
    colours = pageWidth = null;
    redraw();
    drawAll();
  });
}

// Drawings are as wide as the page; to measure again what did not change would lay out the page.
let pageWidth = null;

function widthOf() {
  if (pageWidth === null) pageWidth = document.querySelector("main").clientWidth;
  return Math.max(240, pageWidth);
}

function sharpness() {
  return Math.min(2, window.devicePixelRatio || 1);
}

// Draws anew where the page is no longer as wide as a canvas.
function followWidth(canvas, draw) {
  new ResizeObserver(([seen]) => {
    pageWidth = Math.round(seen.contentRect.width);
    if (canvas.width !== Math.round(widthOf() * sharpness())) drawAgain(draw);
  }).observe(document.querySelector("main"));
}

// A canvas as wide as its place, sharp on every screen; gives [context, width in CSS pixels].
function canvasOf(canvas, height) {
  const width = widthOf();
  const ratio = sharpness();
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '12px system-ui, "Helvetica Neue", sans-serif';
  return [context, width];
}

// A height between 0 and 1 for a number of bytes: each doubling counts the same.
function logHeight(bytes, most) {
  if (bytes <= 0) return 0.06;
  return 0.08 + (0.92 * Math.log2(1 + bytes)) / Math.log2(2 + most);
}
