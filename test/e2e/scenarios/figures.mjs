import path from 'node:path';
import { luthier, metricsOf, runsOf } from '../workplace.mjs';

const ROUNDS = 3;
const STEPS = 20;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Durations of the next steps, in milliseconds, the one at work left out. */
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

/** Measured and reported, never asserted: `node test/e2e/run.mjs --figures`, with nothing else at work. */
export const figures = [
  {
    name: 'What a step costs: in a terminal alone, with the dashboard hidden, with it visible',
    async play(stage) {
      const { workspace } = stage;
      const starter = path.resolve(import.meta.dirname, '../../../starters/bert');
      const set = [`model=${starter}`, 'per_device_train_batch_size=32', 'max_length=64'];
      const changes = [...set, 'save_steps=100000'].flatMap((change) => ['--set', change]);
      await luthier(workspace, 'train', 'endless.recipe.json', '--detach', ...changes);
      const [run] = await runsOf(workspace);
      const taken = { terminal: [], hidden: [], visible: [] };
      await nextSteps(stage.window, run.folder);
      for (let round = 0; round < ROUNDS; round++) {
        // The window leaves, and its extension host with it.
        await stage.window.page.goto('about:blank');
        await new Promise((resolve) => setTimeout(resolve, 10_000));
        taken.terminal.push(...(await nextSteps(stage.window, run.folder)));

        await stage.window.open(stage.server.open(workspace));
        await stage.window.openSideBar();
        await stage.window.tree('Runs').last().click();
        await stage.dashboard.untilStep(1);
        await new Promise((resolve) => setTimeout(resolve, 5000));
        taken.visible.push(...(await nextSteps(stage.window, run.folder)));

        await stage.window.openFile('rows.csv');
        await new Promise((resolve) => setTimeout(resolve, 5000));
        taken.hidden.push(...(await nextSteps(stage.window, run.folder)));
        await stage.window.closeEditors();
      }
      const alone = median(taken.terminal);
      for (const [where, values] of Object.entries(taken)) {
        const change = (100 * (median(values) / alone - 1)).toFixed(1);
        stage.figure(`a step, ${where}`, `median ${median(values).toFixed(1)} ms of ${values.length} (${change} %)`);
      }
    },
  },
];
