// Which calls led there: the stacks of allocations as a tree, by the measure that sorts the sites.

// node of the stack (-1: the rest, whose stacks are not in this page) -> {origin: value}
function valuesByNode(measure) {
  const found = new Map();
  const put = (node, origin, value) => {
    if (!value) return; // null as well: flameMeasures leaves such a measure out
    if (!found.has(node)) found.set(node, {});
    const by = found.get(node);
    by[origin] = (by[origin] || 0) + value;
  };
  if (run.whole) {
    for (const at of shown()) {
      if (handsOut(at)) put(kindOf(at).stack, kindOf(at).origin, measureOf(at, measure));
    }
    return found;
  }
  for (const [leaf, value] of toldLeaves()) put(leaf[1], leaf[2], value(measure));
  return found;
}

// Whether the filters let the sums of a stack through, where not all events are here.
function isLeafShown([site, node, origin, phase, program]) {
  if (view.origin && origin !== view.origin) return false;
  if (view.phase && phase !== view.phase) return false;
  if (view.program && program !== view.program) return false;
  if (view.site !== null && site !== view.site) return false;
  return view.fn === null || (node >= 0 && holds(node, view.fn));
}

function measureOf(at, measure) {
  if (measure === "bytes") return bytesOf(at);
  if (measure === "count") return 1;
  if (measure === "calls_reaching_kernel") return reaches(at) ? 1 : 0;
  return remembered({ peak_bytes: "peak", live_bytes: "left", temporary_bytes: "temporary" }[measure], at);
}

// The tree: from the program's start inwards, or from the allocator outwards.
function treeOf(measure, isOutwards) {
  const root = { name: "all", module: "", total: 0, own: 0, by: {}, below: new Map() };
  for (const [node, by] of valuesByNode(measure)) {
    const path = node < 0 ? [] : pathOf(node);
    if (!isOutwards) path.reverse();
    const value = Object.values(by).reduce((sum, one) => sum + one, 0);
    let at = root;
    grow(at, by, value);
    for (const frame of path.length ? path : [{ function: "rest: no stack, or not in this page", module: "" }]) {
      const key = `${nameOf(frame)} ${frame.module}`;
      if (!at.below.has(key)) {
        at.below.set(key, { name: nameOf(frame), module: frame.module || "", isFrame: path.length > 0, total: 0, own: 0, by: {}, below: new Map() });
      }
      at = at.below.get(key);
      grow(at, by, value);
    }
    at.own += value;
  }
  return root;
}

function grow(node, by, value) {
  node.total += value;
  for (const [origin, one] of Object.entries(by)) node.by[origin] = (node.by[origin] || 0) + one;
}

// Frames from a node on, innermost first.
function pathOf(node) {
  const found = [];
  for (; node >= 0; node = run.nodes.above[node]) found.push(frames[run.nodes.frame[node]]);
  return found;
}

// By function, what was asked for in it and beneath it: once, however often it stands in a stack.
function functionRows(measure) {
  const found = new Map();
  for (const [node, by] of valuesByNode(measure)) {
    const value = Object.values(by).reduce((sum, one) => sum + one, 0);
    const names = new Set(pathOf(node).map(nameOf));
    for (const name of names) found.set(name, (found.get(name) || 0) + value);
  }
  return [...found].sort((a, b) => b[1] - a[1]);
}
