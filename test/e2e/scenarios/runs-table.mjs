import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * A run that has ended, as its folder says.
 * @param {string} workspace
 * @param {string} id
 * @param {number} accuracy
 * @param {object} more
 */
async function makeRun(workspace, id, accuracy, more = {}) {
  const folder = path.join(workspace, '.luthier/runs', id);
  await mkdir(folder, { recursive: true });
  const record = {
    ...{ format: 1, id, name: id, note: '', state: 'done', recipe_path: null, labels: ['a', 'b'], model: null },
    recipe: {
      ...{ task: 'text-classification', model: 'starters/bert', dataset: path.join(workspace, 'tickets.csv') },
      ...{ strategy: { type: 'full' }, learning_rate: 2e-5, metric_for_best_model: 'accuracy' },
    },
    ...{ created_at: '2026-11-27T08:00:00Z', started_at: '2026-11-27T08:00:01Z' },
    ...{ finished_at: '2026-11-27T08:01:01Z', step: 4, total_steps: 4, error: null, environment: null },
    best: { step: 4, metrics: { accuracy, f1_macro: accuracy, loss: 1 } },
    ...more,
  };
  await writeFile(path.join(folder, 'run.json'), JSON.stringify(record));
  return folder;
}

/** @type {import('../stage.mjs').Scenario[]} */
export const runsTable = [
  {
    name: 'The runs table sorts and filters all runs, opens one, and saves CSV',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      await makeRun(workspace, 'table-first', 0.6);
      await makeRun(workspace, 'table-best', 0.9, { tags: ['kept'] });
      await makeRun(workspace, 'table-third', 0.7);
      await window.command('Luthier: Show Runs Table');
      const table = await window.webview('luthier-runs');
      const names = () => table.locator('.runs-table tbody .name').allInnerTexts();
      await window.until('all runs in the table', async () => (await names()).length === 3);
      await table.locator('th button', { hasText: 'Main metric' }).click();
      await window.until('the best run first', async () => (await names())[0] === 'table-best');
      assert.deepEqual(await names(), ['table-best', 'table-third', 'table-first']);
      assert.equal(await table.locator('tr', { hasText: 'table-best' }).locator('.best').count(), 1);
      await table.locator('.filters input').first().fill('kept');
      await window.until('the filtered table', async () => (await names()).join() === 'table-best');
      await table.locator('vscode-button', { hasText: 'Export CSV' }).click();
      await window.until('where to save', async () => {
        const input = window.page.locator('.quick-input-widget input').first();
        return (await input.isVisible()) && (await input.inputValue()).endsWith('runs.csv');
      });
      await window.page.keyboard.press('Enter');
      const file = path.join(workspace, 'runs.csv');
      const csv = await window.until('the file', async () => await readFile(file, 'utf8').catch(() => ''));
      assert.match(csv, /^name,state,.*metric,best,best_low,best_high/);
      assert.match(csv, /\r\ntable-best,done,.*,accuracy,0\.9,/);
      await rm(file);
      await table.locator('.runs-table tbody .name').first().click();
      const frame = await dashboard.frame();
      await window.until('its dashboard', async () => (await frame.locator('h1').first().innerText()) === 'table-best');
      await window.closeEditors();
      for (const id of ['table-first', 'table-best', 'table-third'])
        await rm(path.join(workspace, '.luthier/runs', id), { recursive: true });
    },
  },
];
