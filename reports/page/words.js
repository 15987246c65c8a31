// Numbers and elements. What comes from the target is only ever set as text.

function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function size(number) {
  if (Math.abs(number) < 1024) return `${number} ${Math.abs(number) === 1 ? "byte" : "bytes"}`;
  let value = number;
  for (const unit of ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]) {
    value /= 1024;
    if (Math.abs(value) < 1023.95 || unit === "EiB") {
      return `${value.toFixed(1).replace(".0", "")} ${unit}`;
    }
  }
}

function exactSize(number) {
  const text = size(number);
  return Math.abs(number) < 1024 ? text : `${text} (${grouped(number)} bytes)`;
}

function duration(ns) {
  for (const [limit, divisor, unit] of [[1e3, 1, "ns"], [1e6, 1e3, "µs"], [1e9, 1e6, "ms"]]) {
    if (ns < limit) return `${Number((ns / divisor).toPrecision(3))} ${unit}`;
  }
  return `${(ns / 1e9).toFixed(2)} s`;
}

function count(number, singular, plural) {
  const noun = number === 1 ? singular : plural || `${singular}s`;
  return `${number === 0 ? "no" : grouped(number)} ${noun}`;
}

function listed(parts) {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

// An element: properties that are functions are listeners, all others attributes.
function el(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (typeof value === "boolean" && key.startsWith("aria-")) made.setAttribute(key, String(value));
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// In the place of what an element held; null is nothing.
function fill(home, ...children) {
  home.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

// A text of the target's: isolated, so that its direction stays its own.
function bdi(text) {
  return el("bdi", {}, String(text));
}

function button(label, act, properties) {
  return el("button", { type: "button", click: act, ...properties }, label);
}

function byId(name) {
  return document.getElementById(name);
}

// The empty place of a section that its script fills.
function place(section) {
  return byId(section).querySelector(".js");
}
