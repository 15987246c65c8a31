// What is drawn when. Panels in sight follow the view at once; the others little by little, when the
// page has nothing else to do: nobody waits for what cannot be seen.

const drawers = []; // {draw, home: its section or null, isDue}
const inSight = new Set(); // sections
const NEAR = "200px"; // to what is in sight
const PATIENCE = 300; // milliseconds: then what is out of sight is drawn, however busy the page is
const SLICE = 12; // milliseconds: after so long others may go first
let isKnown = false; // what is in sight
let isPlanned = true; // nothing is drawn before that is known

// Whoever draws registers here. `section`: the id of the one that it draws in; null: always in sight.
function onView(section, draw) {
  drawers.push({ draw, home: section && byId(section), isDue: true });
}

// Does it once, when all in sight is drawn.
function later(act) {
  drawers.push({ draw: act, home: byId("closing"), isDue: true, isOnce: true });
}

function redraw() {
  for (const one of drawers) if (!one.isOnce) one.isDue = true;
  drawSight();
}

function drawAgain(draw) {
  for (const one of drawers) if (one.draw === draw) one.isDue = true;
  drawSight();
}

function drawSight() {
  for (const one of drawers) if (one.isDue && (!one.home || inSight.has(one.home))) drawNow(one);
  drawRest();
}

function drawNow(one) {
  one.isDue = false;
  one.draw();
}

// Paper shows what is out of sight as well.
function drawAll() {
  for (const one of drawers) if (one.isDue) drawNow(one);
}

function drawRest() {
  const isBusy = drawers.some((one) => one.isDue);
  const main = document.querySelector("main");
  if (isBusy) main.setAttribute("aria-busy", "true");
  else main.removeAttribute("aria-busy");
  if (!isBusy || isPlanned) return;
  isPlanned = true;
  whenIdle(() => {
    isPlanned = false;
    const begun = performance.now();
    // Several at once: the browser lays out and paints but once.
    for (const one of drawers) if (one.isDue && performance.now() - begun < SLICE) drawNow(one);
    drawRest();
  });
}

function whenIdle(act) {
  if (window.requestIdleCallback) requestIdleCallback(act, { timeout: PATIENCE });
  else setTimeout(act, 20);
}

function watchSight() {
  const watch = new IntersectionObserver((seen) => {
    for (const one of seen) {
      if (one.isIntersecting) inSight.add(one.target);
      else inSight.delete(one.target);
    }
    if (isKnown) return drawSight();
    [isKnown, isPlanned] = [true, false];
    drawSight();
    performance.mark("in sight"); // for bench/page_cost.py
  }, { rootMargin: `${NEAR} 0px` });
  for (const home of new Set(drawers.map((one) => one.home))) if (home) watch.observe(home);
  addEventListener("beforeprint", drawAll);
}
