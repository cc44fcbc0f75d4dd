import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { luthier, runsOf } from '../workplace.mjs';
import { selectFrom } from './fine-tune.mjs';

/** Twelve texts of which one has two labels, so that there is something to say about them. */
const FILMS = [
  'text,label',
  ...Array.from({ length: 11 }, (_, i) => `a film of the kind ${i},${i % 2 ? 'bad' : 'good'}`),
  'a film of the kind 0,bad',
  '',
].join('\n');

/**
 * Until a file is open with the cursor on a line.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {string} name
 * @param {number} line
 */
const untilAt = (window, name, line) =>
  window.until(`${name} at line ${line}`, async () => {
    const active = window.page.locator(`.tabs-container .tab.active[data-resource-name="${name}"]`);
    const place = await window.page.locator('.statusbar').innerText({ timeout: 5000 });
    return (await active.count()) > 0 && new RegExp(`Ln ${line}\\b`).test(place);
  });

/** @type {import('../stage.mjs').Scenario[]} */
export const flow = [
  {
    name: 'Try with Example Data: from nothing to a running run',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      await window.command('Luthier: Try with Example Data…');
      await window.question('Which texts should the model learn');
      await window.answer('Reviews');
      await window.question('Where should the folder');
      await window.answer();
      // The tests' model knows a few words only, so the summary does not offer to start it first.
      await window.answerUntilSummary('tiny', 'The model may not fit these texts');
      await window.answer('Start fine-tuning');
      await dashboard.untilState('Done');
      const [run] = await runsOf(workspace);
      assert.deepEqual([...run.record.labels].sort(), ['negative', 'positive']);
      const folder = path.join(workspace, 'luthier-examples');
      for (const file of ['reviews.csv', 'reviews.recipe.json', 'tickets.csv', 'tickets.recipe.json', 'README.md'])
        assert.ok(existsSync(path.join(folder, file)), `the examples hold ${file}`);
      await rm(folder, { recursive: true });
      await rm(path.join(workspace, 'reviews.recipe.json'));
    },
  },
  {
    name: 'No document open: a dataset is inspected and picked, wrong columns lead back to their question',
    async play(stage) {
      const { window, workspace } = stage;
      const file = path.join(workspace, 'films.csv');
      await writeFile(file, FILMS);
      await window.openSideBar();
      const line = window.tree('Datasets').filter({ hasText: 'films.csv' });
      await line.first().waitFor();

      // A click on a problem of a dataset that was opened just now, while its line is drawn again.
      await line.click();
      await window.tree('Datasets').filter({ hasText: 'film of the kind 0' }).first().click();
      await untilAt(window, 'films.csv', 13);
      assert.deepEqual(await window.notifications(), [], 'no command was missing');
      await window.closeEditors();

      await window.contextMenu(line.first(), 'Inspect Dataset');
      const page = await window.webview('luthier-dataset');
      await window.until('its rows', async () => (await page.locator('.rows tbody tr').count()) === 12);
      assert.match(await page.locator('luthier-dataset').innerText(), /12 rows · 2 classes · CSV/);
      await page.locator('vscode-textfield input').fill('kind 7');
      await window.until(
        'the row that was looked for',
        async () => (await page.locator('.rows tbody tr').count()) === 1,
      );
      await page.locator('.rows .line').click();
      await untilAt(window, 'films.csv', 9);
      await window.closeEditors();

      await window.command('Luthier: Fine-tune on Selection');
      await window.question('Which data should the model learn from?');
      await window.answer('films.csv');
      await window.question('which column is the text');
      await window.answer('Choose other columns');
      await window.question('Which column contains the text?');
      await window.answer('label');
      await window.question('Which column contains the label?');
      await window.answer('text');
      const refused = await window.until('the reason', async () => {
        const rows = await window.rows().allTextContents();
        return rows[0]?.startsWith('films.csv') && rows.join('\n');
      });
      assert.match(refused, /“text” has 11 classes in 12 rows.*the wrong way round/s);
      await window.answer('Choose other columns');
      await window.question('Which column contains the text?');
      await window.answer('text');
      await window.question('Which column contains the label?');
      await window.answer('label');
      await window.question('Which base model');
      await window.page.keyboard.press('Escape');
      assert.equal((await runsOf(workspace)).length, 0);
      await rm(file);
    },
  },
  {
    name: 'A run on a selection: its rows open in the person’s file, corrections go there, Try Model takes another model',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const file = path.join(workspace, 'rows.csv');
      const before = await readFile(file, 'utf8');
      await luthier(workspace, 'train', 'short.recipe.json', '--name', 'whole', '--json');
      await window.openFile('rows.csv');
      await selectFrom(window, 101);
      await window.command('Luthier: Fine-tune on Selection');
      await window.answerUntilSummary();
      await window.answer('Start fine-tuning');
      await dashboard.untilState('Done');
      const frame = await dashboard.frame();
      await frame.locator('#tab-evaluation').click();
      const link = frame.locator('.rows .link').first();
      await link.waitFor();
      const line = Number(await link.innerText());
      assert.ok(line >= 101, `line ${line} is the file's`);
      const text = await frame.locator('.rows td.text').first().innerText();
      assert.ok(before.split('\n')[line - 1].startsWith(text.split('\n')[0].slice(0, 20)), 'and the row is on it');
      await link.click();
      await untilAt(window, 'rows.csv', line);
      await window.closeEditors();

      await window.openSideBar();
      await window.tree('Runs').filter({ hasText: 'rows · tiny' }).click();
      await dashboard.untilState('Done');
      await window.command('Luthier: Try Model');
      const page = await window.webview('luthier-tryout');
      await page.locator('vscode-textarea textarea').fill('a new and lovely parcel');
      const add = page.locator('.correct vscode-button').filter({ hasText: 'Add to Dataset' });
      await add.waitFor();
      assert.equal(await add.getAttribute('disabled'), '', 'no label is preset');
      await page.locator('.correct vscode-single-select').click();
      await page.locator('.correct vscode-single-select li.option').filter({ hasText: 'bad' }).click();
      await add.click();
      await window.dialog(/Add corrections to rows\.csv\?/);
      await window.answerDialog('Add to rows.csv');
      await window.until('the row in the file', async () =>
        (await readFile(file, 'utf8')).endsWith('a new and lovely parcel,bad\n'),
      );
      await page.locator('.added .link').filter({ hasText: 'Undo' }).click();
      await window.until('the file as it was', async () => (await readFile(file, 'utf8')) === before);

      await page.locator('vscode-button').filter({ hasText: 'Choose Model…' }).click();
      await window.question('Which model do you want to try?');
      await window.answer('whole');
      await window.until('the other model', async () => (await page.locator('h1').innerText()) === 'whole');
      await window.until('its answer to the same text', async () =>
        /good/.test(await page.locator('.results').innerText({ timeout: 2000 })),
      );
    },
  },
];
