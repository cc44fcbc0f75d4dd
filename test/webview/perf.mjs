// node test/webview/perf.mjs [--json]: how long the dashboard takes to open a run of 100,000 logged steps, and how much
// scripting a frame costs while that run goes on, is zoomed, smoothed and pointed at. A measurement, not a test.
// Build first: node esbuild.mjs webview
import { cpus } from 'node:os';
import { boxOf, launch, openWebview } from './browser.mjs';
import { madeRun } from './recording.mjs';

const STEPS = 100_000;
const SECONDS = 4;

/** Main-thread events in which our script runs, and those inside them in which the browser works for it. */
const SCRIPT = new Set([
  'FunctionCall',
  'EvaluateScript',
  'FireAnimationFrame',
  'TimerFire',
  'EventDispatch',
  'RunMicrotasks',
  'HandlePostMessage',
  'v8.run',
]);
const BROWSER = new Set([
  'Layout',
  'UpdateLayoutTree',
  'PrePaint',
  'Paint',
  'Layerize',
  'Commit',
  'ParseHTML',
  'IntersectionObserverController::computeIntersections',
]);

/**
 * Records a trace while `work` runs; scripting by frame in ms of CPU time, in which other processes do not count.
 * @param {import('playwright-core').Page} page
 * @param {() => Promise<unknown>} work
 */
const profile = async (page, work) => {
  const session = await page.context().newCDPSession(page);
  /** @type {any[]} */
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: [
        'devtools.timeline',
        'devtools.timeline.frame',
        'disabled-by-default-devtools.timeline.frame',
        'disabled-by-default-devtools.timeline',
        'v8.execute',
      ],
    },
  });
  await work();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  return framesOf(events);
};

/** @param {any[]} events */
const framesOf = (events) => {
  const busiest = new Map();
  for (const { name, pid, tid } of events)
    if (name === 'FunctionCall') busiest.set(`${pid}/${tid}`, (busiest.get(`${pid}/${tid}`) ?? 0) + 1);
  const thread = [...busiest].sort((a, b) => b[1] - a[1])[0]?.[0];
  const main = events
    .filter((event) => event.ph === 'X' && `${event.pid}/${event.tid}` === thread && event.tdur !== undefined)
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const starts = events
    .filter((event) => event.name === 'BeginMainThreadFrame' && `${event.pid}/${event.tid}` === thread)
    .map((event) => event.ts)
    .sort((a, b) => a - b);
  const frames = new Map();
  /** @type {any[]} */
  const stack = [];
  for (const event of main) {
    while (stack.length > 0 && stack[stack.length - 1].ts + stack[stack.length - 1].dur <= event.ts) stack.pop();
    const scripting = stack.some((outer) => SCRIPT.has(outer.name));
    const inBrowser = stack.some((outer) => BROWSER.has(outer.name));
    let sign = 0;
    if (SCRIPT.has(event.name) && !scripting) sign = 1;
    else if (BROWSER.has(event.name) && scripting && !inBrowser) sign = -1;
    if (sign !== 0) {
      let frame = starts.findLastIndex((start) => start <= event.ts);
      if (frame < 0) frame = 0;
      frames.set(frame, (frames.get(frame) ?? 0) + (sign * event.tdur) / 1000);
    }
    stack.push(event);
  }
  const values = [...frames.values()].map((value) => Math.max(0, value)).sort((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    +(values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0).toFixed(2);
  return {
    frames: values.length,
    median_ms: at(0.5),
    p95_ms: at(0.95),
    max_ms: at(1),
    over_8_ms: values.filter((v) => v > 8).length,
  };
};

/**
 * Time from a snapshot's arrival until every chart has been drawn and the frame shown, in ms.
 * @param {import('./browser.mjs').Webview} view
 * @param {import('./recording.mjs').RecordedRun[]} runs
 */
const open = async (view, runs) => {
  await view.page.evaluate((/** @type {any} */ sent) => {
    for (const run of sent)
      run.steps = Object.fromEntries(
        Object.entries(run.steps).map(([name, values]) => [name, Float64Array.from(values)]),
      );
    window.runs = sent;
  }, runs);
  return view.page.evaluate(
    () =>
      new Promise((done) => {
        const begin = performance.now();
        window.postMessage({ type: 'snapshot', runs: window.runs, focus: window.runs[0].record.id }, '*');
        const look = () => {
          const charts = document.querySelectorAll('luthier-chart').length;
          const drawn = document.querySelectorAll('luthier-chart canvas').length;
          if (charts > 0 && charts === drawn) requestAnimationFrame(() => done(performance.now() - begin));
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
};

/**
 * Events of further steps every 100 ms, as the host posts them; `rate` steps a second.
 * @param {import('./browser.mjs').Webview} view
 * @param {string[]} ids
 * @param {number} rate
 * @param {number} seconds
 */
const goOn = (view, ids, rate, seconds) =>
  view.page.evaluate(
    async ({ ids, rate, seconds }) => {
      window.last ??= 100_000;
      for (let tick = 0; tick < seconds * 10; tick++) {
        for (const run of ids) {
          const events = Array.from({ length: rate / 10 }, (_, i) => ({
            event: 'step',
            time: 1.78e9 + window.last + i,
            step: window.last + i + 1,
            epoch: 3,
            loss: Math.random(),
            learning_rate: 1e-5,
            grad_norm: 1 + Math.random(),
            tokens_per_second: 4000 * Math.random(),
            step_ms: 5,
            rss_bytes: 1.3e9,
            eta_s: 60,
          }));
          window.postMessage({ type: 'events', run, events }, '*');
        }
        window.last += rate / 10;
        await new Promise((next) => setTimeout(next, 100));
      }
    },
    { ids, rate, seconds },
  );

/**
 * @param {import('./browser.mjs').Webview} view
 * @param {number} seconds
 */
const hover = async (view, seconds) => {
  const box = await boxOf(view.page.locator('.u-over').first());
  for (let i = 0; i < seconds * 30; i++) {
    await view.page.mouse.move(box.x + 10 + ((i * 7) % (box.width - 20)), box.y + 50);
    await new Promise((next) => setTimeout(next, 33));
  }
};

/**
 * @param {import('./browser.mjs').Webview} view
 * @param {number} seconds
 */
const smooth = async (view, seconds) => {
  for (let i = 0; i < seconds * 10; i++) {
    await view.page.evaluate(
      (/** @type {number} */ value) => {
        const input = /** @type {HTMLInputElement} */ (document.querySelector('input[type=range]'));
        input.value = String(value);
        input.dispatchEvent(new Event('input', { bubbles: true }));
      },
      (i % 99) / 100,
    );
    await new Promise((next) => setTimeout(next, 100));
  }
};

/**
 * @param {import('./browser.mjs').Webview} view
 * @param {number} times
 */
const zoom = async (view, times) => {
  const box = await boxOf(view.page.locator('.u-over').first());
  for (let i = 0; i < times; i++) {
    await view.page.mouse.move(box.x + box.width * 0.2, box.y + 50);
    await view.page.mouse.down();
    await view.page.mouse.move(box.x + box.width * 0.6, box.y + 50, { steps: 8 });
    await view.page.mouse.up();
    await view.settle();
    await view.page.keyboard.press('Escape');
    await view.settle();
  }
};

const browser = await launch();
/** @type {Record<string, unknown>} */
const results = {};
/**
 * @param {string} name
 * @param {number} count
 */
const measure = async (name, count) => {
  const runs = Array.from({ length: count }, (_, i) =>
    madeRun({ id: `run-${i}`, name: `run ${i}`, seed: i + 1, total: STEPS, state: 'running', evaluations: 100 }),
  );
  const ids = runs.map((run) => run.record.id);
  const note = (/** @type {string} */ name, /** @type {unknown} */ result) => {
    results[name] = result;
    console.error(`${name}: ${JSON.stringify(result)}`);
  };
  const view = await openWebview(browser, { view: 'dashboard', width: 1280, height: 1400, reducedMotion: false });
  view.page.on('crash', () => console.error('the page crashed'));
  note(`${name}: open`, { ms: Math.round(await open(view, runs)) });
  await view.settle();
  note(`${name}: 20 steps a second`, await profile(view.page, () => goOn(view, ids, 20, SECONDS)));
  note(`${name}: 200 steps a second`, await profile(view.page, () => goOn(view, ids, 200, SECONDS)));
  note(`${name}: pointing`, await profile(view.page, () => hover(view, SECONDS)));
  note(`${name}: smoothing`, await profile(view.page, () => smooth(view, SECONDS)));
  note(`${name}: zooming`, await profile(view.page, () => zoom(view, 5)));
  if (view.problems.length > 0) console.error(view.problems);
  await view.close();
};
await measure('one run', 1);
await measure('four runs', 4);
await browser.close();

const machine = `${cpus()[0]?.model}, ${cpus().length} threads, headless Chromium without a GPU`;
if (process.argv.includes('--json')) console.log(JSON.stringify({ machine, steps: STEPS, results }));
else {
  console.log(`${machine}; ${STEPS} logged steps; scripting per frame in ms of CPU time`);
  console.table(results);
}
