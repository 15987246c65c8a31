// duckdb.js PACKAGES QUERY: the rows of the answer, as JSON lines. PACKAGES: the folder node_modules.
"use strict";
const [packages, query] = process.argv.slice(2);
const { DuckDBInstance } = require(require.resolve("@duckdb/node-api", { paths: [packages] }));
(async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(query);
    for (const row of reader.getRowsJson()) console.log(JSON.stringify(row));
})();
