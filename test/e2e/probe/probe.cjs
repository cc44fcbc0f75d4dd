// Runs in the extension host beside Luthier and writes, once a second, how long its event loop was blocked:
// one JSON line with the longest delay, the 99th percentile and the mean since the last line, in milliseconds.
const { appendFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

exports.activate = (context) => {
  const file = process.env.LUTHIER_E2E_EVENT_LOOP;
  if (!file) return;
  // The histogram holds whole intervals between its timer's ticks; what is over its resolution is delay.
  const resolution = 5;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  const milliseconds = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolution);
  const timer = setInterval(() => {
    const { max, mean, count } = histogram;
    const line = {
      t: Date.now(),
      max: milliseconds(max),
      p99: milliseconds(histogram.percentile(99)),
      mean: milliseconds(mean),
      count,
    };
    histogram.reset();
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  }, 1000);
  context.subscriptions.push({ dispose: () => clearInterval(timer) });
};
