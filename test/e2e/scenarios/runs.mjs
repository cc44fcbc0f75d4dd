import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { killRun, luthier, metricsOf, runsOf, runToEnd } from '../workplace.mjs';

/** @param {string} run */
const steps = async (run) => (await metricsOf(run)).filter(({ event }) => event === 'step').map(({ step }) => step);
/** @param {string} run */
const lastStep = async (run) => (await steps(run)).at(-1) ?? 0;

/**
 * Starts a recipe by the CodeLens above it.
 * @param {import('../stage.mjs').Stage} stage
 * @param {string} name
 */
export async function train(stage, name) {
  const { window, dashboard, workspace } = stage;
  await window.openFile(`${name}.recipe.json`);
  await window.page.locator('.codelens-decoration a').filter({ hasText: 'Train' }).first().click();
  await dashboard.frame();
  const [run] = await window.until('the run’s folder', async () => {
    const runs = await runsOf(workspace);
    return runs.length > 0 && runs;
  });
  return run.folder;
}

/** @type {import('../stage.mjs').Scenario[]} */
export const runs = [
  {
    name: 'Pause, resume and stop are answered within one step, and nothing moves while paused',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      // A step of 320 batches, so that a step is longer than the way from the button to the run.
      const run = await train(stage, 'slow');
      await dashboard.untilStep(2);

      const press = async (/** @type {string} */ button, /** @type {string} */ state) => {
        const before = await lastStep(run);
        const pressed = performance.now();
        await dashboard.press(button);
        await dashboard.untilState(state);
        const took = ((performance.now() - pressed) / 1000).toFixed(2);
        return { before, after: await lastStep(run), took };
      };

      const paused = await press('Pause', 'Paused');
      stage.figure('pause', `${paused.took} s, ${paused.after - paused.before} step(s) ended meanwhile`);
      // The step at work ends; one more may begin before the press is heard.
      assert.ok(paused.after - paused.before <= 2, `${paused.after - paused.before} steps went by before the pause`);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      assert.equal(await lastStep(run), paused.after, 'a paused run does not step');
      const rows = await window.until('the tree to say so', async () => {
        await window.openSideBar();
        const text = (await window.treeText('Runs')).join('\n');
        return text.includes('paused') && text;
      });
      assert.match(rows, /paused · \d+ %/);

      const resumed = await press('Resume', 'Training');
      await dashboard.untilStep(resumed.before + 2);
      const numbers = await steps(run);
      assert.deepEqual(
        numbers,
        numbers.map((_, i) => i + 1),
        'no step was lost or done twice',
      );

      const stopped = await press('Stop and Keep Best', 'Stopped');
      stage.figure(
        'stop',
        `${stopped.took} s with the best model written, ${stopped.after - stopped.before} step(s) meanwhile`,
      );
      assert.ok(stopped.after - stopped.before <= 2, `${stopped.after - stopped.before} steps went by before the stop`);
      const [{ record }] = await runsOf(workspace);
      assert.equal(record.state, 'stopped');
    },
  },
  {
    name: 'A run killed with SIGKILL is shown as interrupted, and Resume brings it to its end from its last checkpoint',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const run = await train(stage, 'middling');
      await window.until('a few checkpoints', async () => (await lastStep(run)) >= 60);
      assert.ok(await killRun(run), 'it was at work');
      await dashboard.untilState('Interrupted');
      await window.until('a notification', async () =>
        (await window.notifications()).some((said) => said.includes('was interrupted')),
      );
      const before = await steps(run);
      await window.openSideBar();
      await window.until('the tree to say so', async () =>
        (await window.treeText('Runs')).some((line) => line.includes('interrupted')),
      );
      await dashboard.press('Resume');
      // A whole training may take longer than any answer.
      await dashboard.untilState('Done', { patience: 300_000 });
      const [{ record }] = await runsOf(workspace);
      assert.equal(record.state, 'done');
      const all = await steps(run);
      assert.equal(all.at(-1), record.total_steps);
      assert.ok(before.at(-1) < record.total_steps, 'it was killed in the middle');
      assert.deepEqual(
        [...new Set(all)].sort((a, b) => a - b),
        Array.from({ length: record.total_steps }, (_, i) => i + 1),
        'every step is there',
      );
      const again = before.at(-1) + 1 - all[before.length];
      assert.ok(again >= 0 && again < before.at(-1), `${again} of ${before.at(-1)} steps were done again`);
    },
  },
  {
    name: 'A run started in a terminal appears in the tree by itself, and its dashboard is live',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      await window.openSideBar();
      await window.until('an empty tree', async () => (await window.treeText('Runs')).length === 0);
      const before = performance.now();
      await luthier(workspace, 'train', 'endless.recipe.json', '--detach');
      const started = performance.now();
      await window.until('the run in the tree', async () =>
        (await window.treeText('Runs')).some((line) => /\d %/.test(line)),
      );
      stage.figure(
        'run of a terminal in the tree',
        `${((performance.now() - started) / 1000).toFixed(2)} s after the command gave back the prompt (which took ${((started - before) / 1000).toFixed(2)} s)`,
      );
      await window.command('Luthier: Open Dashboard');
      const step = await dashboard.untilStep(1);
      await dashboard.untilStep(step + 10);
      assert.match(await dashboard.text(), /Pause/);
      // Stopped where it was started: the window hears of it.
      const [{ folder, record }] = await runsOf(workspace);
      await luthier(workspace, 'runs', 'stop', record.id);
      await dashboard.untilState('Stopped');
      // And a folder deleted under an open dashboard is said, not hidden.
      await rm(folder, { recursive: true });
      await window.until('the dashboard to say that the run is gone', async () =>
        (await dashboard.text()).includes('was deleted'),
      );
    },
  },
  {
    name: 'Runs wait in line, and two windows see the same ones',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      await train(stage, 'endless');
      await dashboard.untilStep(1);
      await window.openFile('short.recipe.json');
      await window.page.locator('.codelens-decoration a').filter({ hasText: 'Train' }).first().click();
      await window.until('the second run in line', async () =>
        (await window.notifications()).some((said) => said.includes('waits for')),
      );
      const second = await stage.openWindow();
      stage.shown = second;
      await second.openSideBar();
      await second.until('both runs in the second window', async () => {
        const text = (await second.treeText('Runs')).join('\n');
        return text.includes('next') && /\d % · .* left/.test(text);
      });
      await second.command('Luthier: Stop Run and Keep Its Best Model');
      // Two can be meant, so it asks; the one that trains says how far it is.
      await second.question('Choose a run');
      await second.answer('%');
      await second.until('the first run stopped', async () =>
        (await runsOf(workspace)).some(({ record }) => record.state === 'stopped'),
      );
      await second.until('the second run done', async () =>
        (await runsOf(workspace)).some(({ record }) => record.state === 'done'),
      );
      assert.equal((await runsOf(workspace)).length, 2, 'each was started once');
      await stage.closeWindow(second);
    },
  },
  {
    name: 'The dashboard opens anew and is whole; its figures are reported',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      await runToEnd(workspace, 'short');
      await window.openSideBar();
      await window.until('the run in the tree', async () =>
        (await window.treeText('Runs')).some((line) => /accuracy|F1/i.test(line)),
      );
      for (const visit of ['first', 'second']) {
        const pressed = performance.now();
        await window.tree('Runs').last().click();
        await dashboard.untilState('Done');
        stage.figure(
          `dashboard of a finished run, ${visit} opening`,
          `whole ${((performance.now() - pressed) / 1000).toFixed(2)} s after the click`,
        );
        const frame = await dashboard.frame();
        await frame.locator('#tab-evaluation').click();
        await window.until('the confusion matrix', async () => (await frame.locator('luthier-confusion').count()) > 0);
        await window.closeEditors();
      }
    },
  },
];
