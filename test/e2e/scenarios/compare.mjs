import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runsOf } from '../workplace.mjs';

/** So many that thirty are held out. */
const ROWS = [
  'text,label',
  ...Array.from({ length: 310 }, (_, i) => `a ${i % 2 ? 'bad' : 'good'} film number ${i},${i % 2 ? 'bad' : 'good'}`),
  '',
].join('\n');

/**
 * Finds a learning rate for a recipe, looks at the losses, writes the first that is suggested, and takes it back.
 * @param {import('../window.mjs').VSCodeWindow} window
 */
async function findRate(window) {
  const { page } = window;
  const question = 'Which learning_rate should short.recipe.json have?';
  await window.openFile('short.recipe.json');
  await window.command('Luthier: Find Learning Rate…');
  await window.question(question);
  await window.answer('Show the losses');
  const editors = page.locator('.editor-instance .view-lines');
  /** @param {string} what @param {RegExp} pattern */
  const shown = (what, pattern) =>
    window.until(what, async () => {
      const text = (await editors.allInnerTexts()).join('\n').replaceAll('\u00a0', ' ');
      return pattern.exec(text);
    });
  await shown(
    'the losses beside the recipe',
    /The loss falls fastest at [\d.e-]+: a good learning_rate to begin with\./,
  );
  await window.question(question);
  const first = await window.rows().first().locator('.label-name').first().innerText();
  await window.answer(first);
  const found = await window.until('the rate to stand in the recipe', async () => {
    const [, rate] = (await shown('a rate', /"learning_rate": ([\d.e-]+)/)) ?? [];
    return Number(rate) === Number(first) && rate;
  });
  assert.ok(Number(found) > 1e-7 && Number(found) < 1);
  // It can be taken back like anything that was typed.
  await page.locator('.editor-instance').filter({ hasText: '"learning_rate"' }).locator('.view-line').first().click();
  await page.keyboard.press('Control+Z');
  await shown('the rate of before', /"learning_rate": 0\.002\b/);
  await window.closeEditors();
}

/** @type {import('../stage.mjs').Scenario[]} */
export const compare = [
  {
    name: 'Which Way Is Best?: a dataset’s rows are learnt in several ways, one is chosen with its reason and trained',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const file = path.join(workspace, 'many.csv');
      await writeFile(file, ROWS);
      await window.openSideBar();
      const line = window.tree('Datasets').filter({ hasText: 'many.csv' });
      await line.first().waitFor();
      await window.contextMenu(line.first(), 'Which Way Is Best?');
      await window.question('Which base model');
      await window.answer('tiny');
      await window.question('How long may it take altogether?');
      await window.answer('5 minutes');
      const page = await window.webview('luthier-comparison');
      const element = page.locator('luthier-comparison');
      const said = await window.until(
        'the choice',
        async () => {
          const text = await element.innerText({ timeout: 5000 });
          return text.includes('Train This Way') && text;
        },
        { patience: 240_000 },
      );
      assert.match(said, /many\.csv · .*tiny · 310 rows · 31 held out, the same for all/);
      assert.match(said, /macro F1 \d+\.\d %/);
      assert.ok((await page.locator('.quality circle').count()) >= 3, 'each way is a point');
      const runs = await runsOf(workspace);
      assert.equal(runs.filter(({ record }) => record.model !== null).length, 1, 'the chosen model alone is kept');

      await page.getByText('Train This Way').click();
      await dashboard.untilState('Done');
      assert.equal((await runsOf(workspace)).length, runs.length + 1);
      const [chosen] = runs.filter(({ record }) => record.model !== null);
      const recipe = path.join(workspace, `many-${chosen.record.recipe.strategy.type}.recipe.json`);
      assert.deepEqual(JSON.parse(await readFile(recipe, 'utf8')).strategy, chosen.record.recipe.strategy);
      await Promise.all([rm(recipe), rm(file)]);
    },
  },
  {
    name: 'Search: a learning rate is found for a recipe; values of another are tried, the best become a recipe, and their runs stand under one item',
    async play(stage) {
      const { window, workspace } = stage;
      await findRate(window);
      const [file, recipe] = ['values.csv', 'values.recipe.json'].map((name) => path.join(workspace, name));
      await writeFile(file, ROWS);
      const search = { method: 'grid', values: { learning_rate: [1e-5, 1e-3] }, minutes: 5 };
      await writeFile(recipe, JSON.stringify({ model: 'tiny', dataset: 'values.csv', num_train_epochs: 1, search }));
      await window.openFile('values.recipe.json');
      await window.command('Luthier: Start Run');
      const page = await window.webview('luthier-comparison');
      const element = page.locator('luthier-comparison');
      const said = await window.until(
        'the choice',
        async () => {
          const text = await element.innerText({ timeout: 5000 });
          return text.includes('Write Recipe') && text;
        },
        { patience: 240_000 },
      );
      assert.match(said, /Which values are best\?/);
      assert.match(said, /the best of 2/);
      assert.equal(await page.locator('.quality circle').count(), 2, 'each trial is a point');
      await page.getByText('Write Recipe').click();
      const best = path.join(workspace, 'values-best.recipe.json');
      const written = await window.until('the best recipe', async () => {
        const text = await readFile(best, 'utf8').catch(() => '');
        return text !== '' && JSON.parse(text);
      });
      assert.equal(written.search, undefined);
      assert.ok(search.values.learning_rate.includes(written.learning_rate));
      await window.openSideBar();
      await window.tree('Runs').filter({ hasText: 'Search' }).first().waitFor();
      await Promise.all([file, recipe, best].map((one) => rm(one)));
    },
  },
];
