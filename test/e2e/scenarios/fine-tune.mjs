import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { samplesBetween } from '../probe.mjs';
import { metricsOf, runsOf } from '../workplace.mjs';

/** @param {string} run */
const stepsOf = async (run) => (await metricsOf(run)).filter(({ event }) => event === 'step').length;

/**
 * Selects from a line on to the document's end, with the keys.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {number} line
 */
export async function selectFrom(window, line) {
  const { page } = window;
  await page.locator('.editor-instance .monaco-editor').first().click();
  await page.keyboard.press('Control+Home');
  for (let i = 1; i < line; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+Shift+End');
}

/**
 * Labels that Try Model shows for one line, sorted; their probabilities must make up one.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {import('playwright-core').Frame} frame
 */
export async function predictedLabels(window, frame) {
  /** @type {{ label: string, percent: number }[]} */
  const rows = await window.until('labels with their probabilities', async () => {
    const shown = await frame.evaluate(() =>
      [...document.querySelectorAll('.results .scores tbody tr')].map((row) => ({
        label: (row.querySelector('th')?.textContent ?? '').trim(),
        percent: Number.parseFloat(row.querySelector('.tuned .number')?.textContent ?? ''),
      })),
    );
    return shown.length > 0 && shown;
  });
  const sum = rows.reduce((total, { percent }) => total + percent, 0);
  assert.ok(Math.abs(sum - 100) <= rows.length, `the probabilities make up one: ${JSON.stringify(rows)}`);
  return rows.map(({ label }) => label).sort();
}

/** @type {import('../stage.mjs').Scenario[]} */
export const fineTune = [
  {
    name: 'Fine-tune on Selection: selected rows, four questions, a live dashboard, a window reloaded in the middle',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      await window.openFile('many-rows.csv');
      // The header is above the selection.
      await selectFrom(window, 3);
      await window.command('Luthier: Fine-tune on Selection');
      await window.answerUntilSummary('deep');
      const summary = (await window.rows().allTextContents()).join('\n');
      assert.match(summary, /17,9\d\d training rows, [\d,]+ held out for validation/, 'the summary counts rows');
      assert.match(summary, /2 classes/);
      assert.match(summary, /About .* for [\d,]+ steps/);
      const pressed = performance.now();
      const from = Date.now();
      await window.answer();
      await dashboard.frame();
      stage.figure('dashboard there after Enter', `${((performance.now() - pressed) / 1000).toFixed(2)} s`);
      const first = await dashboard.untilStep(5);
      const picture = await dashboard.picture();
      const later = await dashboard.untilStep(first + 10);
      assert.ok(later > first);
      await window.until('the chart to be drawn anew', async () => (await dashboard.picture()) !== picture);
      const [run] = await runsOf(workspace);
      assert.equal(run.record.state, 'running');
      const before = await stepsOf(run.folder);

      const { began, stood } = await window.reload();
      await dashboard.untilStep(later);
      const attached = performance.now();
      stage.figure('window reloaded', `workbench after ${((stood - began) / 1000).toFixed(2)} s`);
      stage.figure('dashboard whole after the workbench', `${((attached - stood) / 1000).toFixed(2)} s`);
      await window.atRest();
      const again = await dashboard.step();
      await dashboard.untilStep(again + 10);
      assert.ok((await stepsOf(run.folder)) > before, 'the run went on');
      assert.equal((await runsOf(workspace)).length, 1, 'and no second one was started');

      const samples = await samplesBetween(stage.eventLoop, from, Date.now());
      assert.ok(samples.length > 0, "the host's event loop was sampled while the run trained");
      const longest = (/** @type {string} */ key) => {
        const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b);
        return `median ${sorted[Math.floor(sorted.length / 2)].toFixed(1)} ms, worst ${sorted.at(-1).toFixed(1)} ms`;
      };
      stage.figure(
        "extension host's event loop while training",
        `${samples.length} seconds sampled, start-up and reload included; longest delay a second: ${longest('max')}; of that computing: ${longest('computed')}`,
      );

      const activations = samples.flatMap(({ activation }) => (activation === undefined ? [] : [activation]));
      stage.figure('activation, our own time', activations.map((ms) => `${ms.toFixed(1)} ms`).join(', '));

      await dashboard.press('Stop and Keep Best');
      await dashboard.untilState('Stopped');
      const [ended] = await runsOf(workspace);
      assert.equal(ended.record.state, 'stopped');
      stage.figure('stopped', `at step ${ended.record.step} of ${ended.record.total_steps}`);
      for (const file of ['config.json', 'model.safetensors', 'tokenizer_config.json']) {
        assert.ok(existsSync(path.join(ended.folder, ended.record.model, file)), `the model folder holds ${file}`);
      }
    },
  },
  {
    name: 'Fine-tune on Selection on an unsaved document, then Try Model on a sentence',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const rows = (await readFile(path.join(workspace, 'rows.csv'), 'utf8')).split('\n').slice(1, 121);
      await window.command('File: New Untitled Text File');
      await window.page.locator('.editor-instance .monaco-editor').first().click();
      // As a person would paste label, tab, text.
      const text = rows.map((row) => row.replace(/^(.*),(\w+)$/, '$2\t$1')).join('\n');
      await window.page.keyboard.insertText(text);
      await window.command('Luthier: Fine-tune on Selection');
      await window.answerUntilSummary();
      await window.answer('Start fine-tuning');
      await dashboard.frame();
      await dashboard.untilState('Done');
      const [run] = await runsOf(workspace);
      assert.equal(run.record.state, 'done');
      assert.deepEqual([...run.record.labels].sort(), ['bad', 'good']);
      await window.until('the notification with the metric', async () =>
        (await window.notifications()).some((said) => /is done.*\d/.test(said)),
      );

      await dashboard.press('Try Model');
      const frame = await window.webview('luthier-tryout');
      await frame.locator('vscode-textarea textarea').fill('the parcel was great and lovely');
      assert.deepEqual(await predictedLabels(window, frame), ['bad', 'good']);

      // The walkthrough has ticked off what was done before it was opened.
      await window.openSideBar();
      await window.ticked('Luthier: Get Started', ['data', 'fineTune', 'watch', 'try']);
    },
  },
  {
    name: 'Fine-tune on Selection refuses what cannot teach, in one sentence',
    async play(stage) {
      const { window, workspace } = stage;
      /** @type {[text: string, expected: RegExp][]} */
      const cases = [
        [
          'It was a dark and stormy night.\nThe rain fell in torrents.\n',
          /is not a table: its lines share no delimiter/,
        ],
        ['text,label\nlovely day,good\ngreat day,good\nfine day,good\nkind day,good\n', /class|label/i],
        [' \n\t\n', /selection is empty/],
      ];
      for (const [text, expected] of cases) {
        await window.command('File: New Untitled Text File');
        await window.page.locator('.editor-instance .monaco-editor').first().click();
        await window.page.keyboard.insertText(text);
        await window.page.keyboard.press('Control+A');
        await window.command('Luthier: Fine-tune on Selection');
        const said = await window.until('the refusal', async () => (await window.notifications()).join('\n'));
        assert.match(said, expected);
        assert.doesNotMatch(said, /\bat .*:\d+:\d+/, 'no stack trace');
        assert.equal(await window.rows().count(), 0, 'nothing is asked any more');
        await window.clearNotifications();
      }
      assert.equal((await runsOf(workspace)).length, 0);
    },
  },
];
