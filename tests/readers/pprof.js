// pprof.js PACKAGES FILE: what npm's pprof-format reads in FILE, as JSON: each sample with its values
// and labels, and its functions, innermost first. PACKAGES: the folder node_modules.
"use strict";
const fs = require("fs"), zlib = require("zlib");
const [packages, file] = process.argv.slice(2);
const { Profile } = require(require.resolve("pprof-format", { paths: [packages] }));
const profile = Profile.decode(zlib.gunzipSync(fs.readFileSync(file)));
const text = (number) => profile.stringTable.strings[Number(number)];
const byId = (rows) => new Map(rows.map((row) => [String(row.id), row]));
const locations = byId(profile.location), functions = byId(profile.function);
const names = (id) => locations.get(String(id)).line.map(
    (line) => text(functions.get(String(line.functionId)).name));
const samples = profile.sample.map((sample) => ({
    values: sample.value.map(String), // 64 bits
    labels: Object.fromEntries(sample.label.map((one) => [text(one.key), text(one.str)])),
    functions: sample.locationId.flatMap(names),
}));
console.log(JSON.stringify({ types: profile.sampleType.map((type) => text(type.type)), samples }));
