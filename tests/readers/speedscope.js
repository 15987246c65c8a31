// speedscope.js RELEASE FILE: what speedscope's own importer makes of FILE, as JSON. RELEASE is the
// folder of its npm package. Its importer is exported from nowhere: a line is put into its script.
"use strict";
const fs = require("fs"), path = require("path"), vm = require("vm");
const [release, file] = process.argv.slice(2);
const script = fs.readdirSync(release).find((name) => /^speedscope-.*\.js$/.test(name));
let text = fs.readFileSync(path.join(release, script), "utf8");
const importer = /async function (\w+)\(\w+,\w+\)\{return\(await \w+\)\.importProfileGroupFromBase64/.exec(text)[1];
const at = text.lastIndexOf("console.log(`speedscope v");
text = text.slice(0, at) + `globalThis.load=${importer};})();`;
const anything = new Proxy(function () {}, {
    get: (_, key) => (key === Symbol.toPrimitive ? () => "" : anything),
    apply: () => anything, construct: () => anything, set: () => true,
});
const inside = {
    console: { ...console, log: () => 0 }, setTimeout, clearTimeout, TextDecoder, TextEncoder, URL, atob, btoa, performance,
    document: anything, navigator: { platform: "", userAgent: "" }, localStorage: anything,
    requestAnimationFrame: () => 0, addEventListener: () => 0, matchMedia: () => anything,
    location: { hash: "", search: "", protocol: "file:" },
};
inside.window = inside.self = inside.globalThis = inside;
vm.runInNewContext(text, inside);
inside.load(path.basename(file), fs.readFileSync(file).toString("base64")).then((group) => {
    if (!group) throw new Error("speedscope does not know this file");
    const told = group.profiles.map((profile) => {
        const stacks = [];
        const walk = (node, above) => {
            const here = node.frame.name === "(speedscope root)" ? above : [...above, node.frame.name];
            if (node.getSelfWeight()) stacks.push([here, node.getSelfWeight()]);
            node.children.forEach((child) => walk(child, here));
        };
        walk(profile.getGroupedCalltreeRoot(), []);
        return { name: profile.getName(), unit: profile.getWeightUnit(), stacks };
    });
    console.log(JSON.stringify(told));
});
