// The data to save: the summary as JSON, sites and events as CSV.

function setUpSave() {
  byId("save").append(el("div", { class: "buttons" },
    button("the report as JSON", () => save("report.json", "application/json", JSON.stringify(summary, null, 1))),
    button("the sites as CSV", () => save("sites.csv", "text/csv", sitesAsCsv())),
    button("the events shown as CSV", () => save("events.csv", "text/csv", eventsAsCsv()))));
}

function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// A cell of a table program: a name that looks like a formula stays a name.
function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function csv(heads, rows) {
  return [heads, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function sitesAsCsv() {
  const told = measures().map(([name]) => name);
  const rows = run.whole ? siteRows(shown()) : toldRows();
  const names = ["function", "module", "file", "line", "offset", "origin"];
  return csv([...names, "purpose", ...told], rows.map((row) => [...names.map((name) => row[name]), row.text, ...told.map((name) => row[name])]));
}

function eventsAsCsv() {
  const columns = ["seq", "t_ns", "dur_ns", "tid", "size", "nmemb", "align", "ptr", "result", "errno", "block", "cause", "outer"];
  const told = ["kind", "name", "phase", "origin", "owner", "purpose"];
  return csv([...columns, ...told, "site"], shown().map((at) =>
    [...columns.map((name) => ev[name][at]), ...told.map((name) => kindOf(at)[name]), placeOf(sites[kindOf(at).site])]));
}
