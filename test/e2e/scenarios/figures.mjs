import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { profileScripting } from '../cpu-profile.mjs';
import { cpuUse, extensionHosts } from '../cpu-use.mjs';
import { samplesBetween } from '../probe.mjs';
import { luthier, metricsOf, runsOf } from '../workplace.mjs';
import { choose, chooseStarter, completionsServer, ghost, statusText, untilStatus } from './completions.mjs';

const ROUNDS = 3;
const STEPS = 20;
const PROFILED_S = 10;

/**
 * @param {number[]} values
 * @param {number} share
 */
const at = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];

/**
 * Durations of the next steps, in milliseconds, the one at work left out.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {string} run
 */
async function nextSteps(window, run) {
  const steps = async () => (await metricsOf(run)).filter(({ event }) => event === 'step');
  const from = (await steps()).length + 1;
  return await window.until(
    `${STEPS} steps`,
    async () => {
      const done = await steps();
      return done.length >= from + STEPS && done.slice(from, from + STEPS).map(({ step_ms }) => step_ms);
    },
    { every: 500 },
  );
}

/** Opening a view, or the window, is no part of what is measured. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 5000));

/** @param {import('../stage.mjs').Stage} stage */
async function showRun({ window, dashboard }) {
  await window.openSideBar();
  await window.tree('Runs').last().click();
  await dashboard.untilStep(1);
}

/**
 * @param {import('../stage.mjs').Stage} stage
 * @param {string} name
 */
async function reportScripting(stage, name) {
  const { perSecond, frames } = await profileScripting(await stage.dashboard.frame(), /dashboard\.js/, PROFILED_S);
  const ms = (/** @type {number} */ share) => `${at(frames, share).toFixed(1)} ms`;
  stage.figure(
    `our scripting in a frame, ${name}`,
    `${frames.length} frames with any in ${PROFILED_S} s: median ${ms(0.5)}, 95th percentile ${ms(0.95)}, longest ${ms(1)}; ${perSecond.toFixed(1)} ms a second`,
  );
}

const SENTENCE =
  'The old man went to the market and bought a loaf of bread for his daughter, who had been waiting at the window since the early morning. ';

/** In the page: how long each key takes until the editor’s lines have changed. */
function watchKeys() {
  window.keysShown = [];
  /** @type {number | null} */
  let pressed = null;
  document.addEventListener('keydown', () => (pressed = performance.now()), true);
  const lines = document.querySelector('.editor-instance .view-lines');
  if (!lines) return;
  new MutationObserver(() => {
    if (pressed === null) return;
    const from = pressed;
    pressed = null;
    // Once it is drawn.
    requestAnimationFrame(() => window.keysShown.push(performance.now() - from));
  }).observe(lines, { childList: true, subtree: true, characterData: true });
}

/**
 * Measured and reported, never asserted: `node test/e2e/run.mjs --figures`, with nothing else at work.
 * @type {import('../stage.mjs').Scenario[]}
 */
export const figures = [
  {
    name: 'What a step costs: without a window, with one that shows something else, with the dashboard hidden, visible',
    async play(stage) {
      const { window, workspace } = stage;
      const starter = path.resolve(import.meta.dirname, '../../../starters/bert');
      const set = [`model=${starter}`, 'per_device_train_batch_size=32', 'max_length=64'];
      const changes = [...set, 'save_steps=100000', 'eval_steps=100000'].flatMap((change) => ['--set', change]);
      await luthier(workspace, 'train', 'endless.recipe.json', '--detach', ...changes);
      const [run] = await runsOf(workspace);
      const elsewhere = path.join(stage.folder, 'elsewhere');
      await mkdir(elsewhere, { recursive: true });
      /** @type {Record<string, { steps: number[], use: Record<string, number>[] }>} */
      const taken = {};
      const measure = async (/** @type {string} */ where) => {
        await settle();
        const { result, use } = await cpuUse(stage.server.pid, () => nextSteps(window, run.folder));
        taken[where] ??= { steps: [], use: [] };
        taken[where].steps.push(...result);
        taken[where].use.push(use);
      };
      await nextSteps(window, run.folder);
      for (let round = 0; round < ROUNDS; round++) {
        // The window leaves, and its extension host with it.
        await window.page.goto('about:blank');
        await window.until('the extension host to end', async () => (await extensionHosts(stage.server.pid)) === 0);
        await measure('without a window');
        await window.open(stage.server.open(elsewhere));
        await measure('a window on another folder, without Luthier');
        await window.open(stage.server.open(workspace));
        await showRun(stage);
        await measure('dashboard visible');
        if (round === 0) await reportScripting(stage, 'a few steps a second');
        await window.openFile('rows.csv');
        await measure('dashboard hidden');
        await window.closeEditors();
      }
      const alone = at(taken['without a window'].steps, 0.5);
      for (const [where, { steps, use }] of Object.entries(taken)) {
        const change = (100 * (at(steps, 0.5) / alone - 1)).toFixed(1);
        const computed = Object.keys(use[0]).map((kind) => {
          const mean = use.reduce((sum, one) => sum + one[kind], 0) / use.length;
          return `${kind} ${mean.toFixed(0)}`;
        });
        stage.figure(
          `a step, ${where}`,
          `median ${at(steps, 0.5).toFixed(1)} ms of ${steps.length} (${change} %), quarters ${at(steps, 0.25).toFixed(1)} and ${at(steps, 0.75).toFixed(1)} ms; computing a second, in ms: ${computed.join(', ')}`,
        );
      }
    },
  },
  {
    name: 'What the dashboard computes while a fast run is shown',
    async play(stage) {
      const { workspace } = stage;
      await luthier(workspace, 'train', 'endless.recipe.json', '--detach', '--set', 'model=tiny');
      await showRun(stage);
      await settle();
      const before = await stage.dashboard.step();
      const from = performance.now();
      await reportScripting(stage, 'a fast run');
      const rate = ((await stage.dashboard.step()) - before) / ((performance.now() - from) / 1000);
      stage.figure('its speed', `${rate.toFixed(0)} steps a second`);
    },
  },
  {
    name: 'What completions cost: delay of the extension host’s event loop, and the pace at which typing shows, with them and without',
    async play(stage) {
      const { workspace } = stage;
      const file = path.join(workspace, 'pace.md');
      await writeFile(file, '# Pace\n\n');
      const server = await completionsServer(stage);
      const window = await stage.openWindow(server);
      stage.shown = window;
      const { page } = window;
      try {
        await window.openFile('pace.md');
        await chooseStarter(window);
        await page.locator('.editor-instance .view-line').first().click();
        await page.keyboard.press('Control+End');
        await page.keyboard.type('The old man went to the ');
        await window.until('a suggestion', async () => (await ghost(page)).trim() !== '');
        await page.evaluate(watchKeys);
        /** @type {Record<string, number[]>} */
        const paces = {};
        /** @type {Record<string, { n: number, p50: number, p99: number, max: number }[]>} */
        const delays = {};
        for (let round = 0; round < ROUNDS; round++)
          for (const way of ['with completions', 'without']) {
            // In the open window: settings that are written to the server's file are not heard of there.
            const isOff = /off/.test(await statusText(window));
            if (isOff !== (way === 'without')) await choose(window, isOff ? 'Turn On' : 'Turn Off');
            await untilStatus(window, way === 'without' ? /off/ : /^Completions$/);
            await settle();
            await page.locator('.editor-instance .view-line').first().click();
            await page.keyboard.press('Control+End');
            await page.keyboard.press('Enter');
            await writeFile(`${stage.eventLoop}.reset`, '');
            // It is looked for once a second.
            await new Promise((resolve) => setTimeout(resolve, 1500));
            const from = Date.now();
            await page.evaluate(() => self.keysShown.splice(0));
            // A quick typist's pauses, and one in which a suggestion comes.
            for (const word of SENTENCE.split(/(?<= )/)) {
              await page.keyboard.type(word, { delay: 90 });
              await new Promise((resolve) => setTimeout(resolve, 350));
            }
            const samples = await samplesBetween(stage.eventLoop, from, Date.now());
            paces[way] ??= [];
            paces[way].push(...(await page.evaluate(() => self.keysShown)));
            delays[way] ??= [];
            delays[way].push(samples.at(-1).delay);
          }
        for (const [way, keys] of Object.entries(paces)) {
          const ms = (/** @type {number} */ share) => at(keys, share).toFixed(1);
          stage.figure(`a key until it is shown, ${way}`, `median ${ms(0.5)} ms, p95 ${ms(0.95)} ms of ${keys.length}`);
          const rounds = delays[way].map(({ n, p50, p99, max }) => {
            const [a, b, c] = [p50, p99, max].map((value) => value.toFixed(1));
            return `p50 ${a}, p99 ${b}, longest ${c} ms of ${n}`;
          });
          stage.figure(`delay of the extension host’s event loop, ${way}`, rounds.join('; '));
        }
      } finally {
        await stage.closeWindow(window, server);
        await rm(file, { force: true });
        stage.shown = stage.window;
      }
    },
  },
];
