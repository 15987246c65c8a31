// Three threads, each with a heap of its own.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
if (isMainThread) {
  const answers = [];
  for (let n = 1; n <= 3; n++)
    new Worker(__filename, { workerData: n }).on('message', (sum) => {
      answers.push(sum);
      if (answers.length === 3) console.log(answers.sort((a, b) => a - b).join(' '));
    });
} else {
  const list = Array.from({ length: 10007 }, (_, i) => ({ i, n: workerData }));
  parentPort.postMessage(list.reduce((sum, one) => sum + one.i * one.n, 0));
}
