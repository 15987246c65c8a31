// dhat.js FILE: what DHAT's own viewer makes of FILE: its leaves, as JSON. It is a script for a page:
// a page is made of nothing.
"use strict";
const fs = require("fs"), vm = require("vm");
const option = () => ({ label: "", disabled: false, selected: false });
const inside = {
    document: {}, window: {}, console, Intl, performance,
    file: JSON.parse(fs.readFileSync(process.argv[2], "utf8")),
};
const script = fs.readFileSync("/usr/libexec/valgrind/dh_view.js", "utf8");
const ask = `
gData = file;
gSelect = { childNodes: gSelectData.map(${option}), selectedIndex: 0 };
buildTree();
const found = [];
const walk = (node, above) => {
    const frames = [...above, ...node._frames];
    if (node._kids) node._kids.forEach((kid) => walk(kid, frames));
    else found.push({
        frames: frames.map((number) => gData.ftbl[number]), bytes: node._totalBytes,
        blocks: node._totalBlocks, lifetimes: node._totalLifetimes, max: node._maxBytes,
        peak: node._atTGmaxBytes, end: node._atTEndBytes, end_blocks: node._atTEndBlocks,
    });
};
walk(gRoot, []);
JSON.stringify({ total: gRoot._totalBytes, leaves: found });`;
console.log(vm.runInNewContext(script + ask, inside));
