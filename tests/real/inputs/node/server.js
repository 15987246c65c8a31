// Answers every request with what it was asked for.
require('http').createServer((q, a) => a.end(JSON.stringify({ url: q.url, n: q.url.length }) + '\n'))
  .listen(Number(process.env.PORT), '127.0.0.1');
