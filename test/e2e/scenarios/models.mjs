import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { luthier, runsOf } from '../workplace.mjs';
import { predictedLabels } from './fine-tune.mjs';

/**
 * @param {string} workspace
 * @param {string} name
 * @param {...string} changes
 */
const trained = (workspace, name, ...changes) =>
  luthier(workspace, 'train', 'short.recipe.json', '--name', name, '--json', ...changes.flatMap((c) => ['--set', c]));

/**
 * @param {string} workspace
 * @param {string} name
 */
const runNamed = async (workspace, name) => (await runsOf(workspace)).find(({ record }) => record.name === name);

/**
 * Waits for the one notification that fits, and gives what it said.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {RegExp} pattern
 */
export const told = (window, pattern) =>
  window.until(`a notification like ${pattern}`, async () =>
    (await window.notifications()).find((said) => pattern.test(said)),
  );

/** @type {import('../stage.mjs').Scenario[]} */
export const models = [
  {
    name: 'Runs are renamed and noted, compared in one dashboard, deleted, and their checkpoints cleaned up',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const { page } = window;
      await trained(workspace, 'gentle', 'learning_rate=1e-3', 'keep_checkpoints=true');
      await trained(workspace, 'bold', 'keep_checkpoints=true');
      await window.openSideBar();
      const line = (/** @type {string} */ name) => window.tree('Runs').filter({ hasText: name });
      const treeSays = (/** @type {string} */ text) =>
        window.until(`“${text}” in the tree`, async () =>
          (await window.treeText('Runs')).some((line) => line.includes(text)),
        );
      await treeSays('gentle');
      await treeSays('bold');

      await line('bold').click();
      await dashboard.untilState('Done');
      // Of two runs the one selected in the tree is meant.
      await window.command('Luthier: Rename Run…');
      await window.question('Rename Run');
      await window.type('kühn');
      await treeSays('kühn');
      assert.ok(await runNamed(workspace, 'kühn'), 'the record has the new name');
      await window.contextMenu(line('kühn'), 'Edit Note…');
      await window.question('Note on kühn');
      await window.type('twice the learning rate');
      await treeSays('twice the learning rate');
      assert.equal((await runNamed(workspace, 'kühn'))?.record.note, 'twice the learning rate');
      await window.until('name and note on the dashboard', async () => {
        const text = await dashboard.text();
        return text.includes('kühn') && text.includes('twice the learning rate');
      });

      await line('gentle').click({ modifiers: ['Control'] });
      await window.contextMenu(line('gentle'), 'Compare Runs…');
      await window.until('both runs in one dashboard', async () => {
        const names = await (await dashboard.frame()).locator('.runs .run-name').allTextContents();
        return (
          names
            .map((/** @type {string} */ name) => name.trim())
            .sort()
            .join() === 'gentle,kühn'
        );
      });
      await (await dashboard.frame()).locator('#tab-recipe').click();
      const differing = await window.until('what differs in the recipes', async () => {
        const rows = await (await dashboard.frame())
          .locator('.recipe tr:has(td.differs)')
          .evaluateAll((/** @type {Element[]} */ rows) =>
            rows.map((/** @type {Element} */ row) => [...row.children].map((cell) => cell.textContent.trim())),
          );
        return rows.length > 0 && rows;
      });
      assert.deepEqual(
        differing.map((/** @type {string[]} */ [key, ...values]) => [key, ...values.map(Number).sort()]),
        [['learning_rate', 1e-3, 2e-3]],
      );
      await window.closeEditors();

      // Deleting asks, says what is lost, and does nothing when the answer is no.
      const gentle = (await runNamed(workspace, 'gentle'))?.folder ?? '';
      await line('gentle').click();
      await dashboard.untilState('Done');
      await window.contextMenu(line('gentle'), 'Delete Run…');
      assert.match(await window.dialog(/Delete gentle\?/), /freed.*1 trained model will be deleted/s);
      await window.answerDialog('Cancel');
      assert.ok(existsSync(gentle), 'nothing is deleted without a yes');
      await window.contextMenu(line('gentle'), 'Delete Run…');
      await window.dialog(/Delete gentle\?/);
      await window.answerDialog('Delete');
      await window.until('the run to be gone', async () => (await line('gentle').count()) === 0);
      assert.ok(!existsSync(gentle), 'and so is its folder');

      const kept = await runNamed(workspace, 'kühn');
      assert.ok(kept);
      const { folder, record } = kept;
      const checkpoints = path.join(folder, 'checkpoints');
      assert.ok(existsSync(checkpoints), 'there is something to clean up');
      await window.command('Luthier: Clean Up Runs…');
      await window.question('would be freed');
      assert.match((await window.rows().allTextContents()).join('\n'), /Checkpoints of kühn\s*[\d.,]+ [kM]B/);
      await page.keyboard.press('Enter');
      const asked = await window.dialog(/Free [\d.,]+ [kM]B\?/);
      assert.match(asked, /The checkpoints of 1 run will be deleted/);
      await window.answerDialog('Delete');
      await told(window, /^[\d.,]+ [kM]B freed/);
      assert.ok(!existsSync(checkpoints), 'the checkpoints are gone');
      assert.ok(existsSync(path.join(folder, record.model, 'model.safetensors')), 'the model is not');
    },
  },
  {
    name: 'A model is exported, measured on a file, and a wrong answer of its goes back to the data',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const data = path.join(workspace, 'feedback.csv');
      const before = await readFile(path.join(workspace, 'rows.csv'), 'utf8');
      await writeFile(data, before);
      await trained(workspace, 'feedback', 'dataset=feedback.csv');
      await window.openSideBar();
      // By its name: the line of a run whose folder went just before may still be there, and leads to a dashboard
      // without anything to press.
      const line = window.tree('Runs').filter({ hasText: 'feedback' }).filter({ hasText: 'macro F1' });
      await line.click();
      await dashboard.untilState('Done');

      await dashboard.press('Export…');
      await window.question('Export feedback');
      await window.answer('ONNX');
      const exports = path.join(stage.folder, 'exported');
      await mkdir(exports, { recursive: true });
      await window.chooseFile(exports);
      const exported = await told(window, /^Exported to .*largest difference/);
      assert.match(exported, /[kM]B/);
      // Called as the run is, not by its id.
      const out = path.join(exports, 'feedback');
      for (const file of ['onnx/model.onnx', 'config.json', 'tokenizer.json']) {
        assert.ok((await stat(path.join(out, file))).size > 0, `the export holds ${file}`);
      }
      await window.clearNotifications();

      await dashboard.press('Evaluate on File…');
      await window.chooseFile(path.join(workspace, 'rows.csv'));
      const page = await window.webview('luthier-dashboard');
      await window.until('the evaluation beside the run’s own', async () =>
        (await page.locator('#panel').innerText()).includes('rows.csv, 240 rows'),
      );
      assert.match(await page.locator('table.metrics').innerText(), /Accuracy\s+\d/);
      // It is there again when the dashboard is opened again.
      await window.closeEditors();
      await line.click();
      await dashboard.untilState('Done');
      const again = await window.webview('luthier-dashboard');
      await again.locator('#tab-evaluation').click();
      await window.until('both to choose from', async () =>
        /rows\.csv/.test(await again.locator('#panel .section-head').first().innerHTML()),
      );
      await window.closeEditors();

      await window.command('Luthier: Try Model');
      const frame = await window.webview('luthier-tryout');
      // What CSV has to quote.
      const text = 'my parcel, "today", was very lovely';
      await frame.locator('vscode-textarea textarea').fill(text);
      const labels = await predictedLabels(window, frame);
      const [said] = await frame.locator('.results .scores tr.first th').allTextContents();
      const right = labels.find((label) => label !== said.trim());
      await frame.locator('.correct vscode-single-select').click();
      await frame.locator('.correct vscode-single-select li.option').filter({ hasText: right }).click();
      await frame.locator('.correct vscode-button').filter({ hasText: 'Add to Dataset' }).click();
      await window.until('the page to say so', async () =>
        (await frame.locator('.added').innerText()).includes(`Added to feedback.csv as ${right}`),
      );
      const end = before.endsWith('\n') ? '' : '\n';
      assert.equal(await readFile(data, 'utf8'), `${before}${end}"${text.replaceAll('"', '""')}",${right}\n`);
      await rm(data);
    },
  },
];
