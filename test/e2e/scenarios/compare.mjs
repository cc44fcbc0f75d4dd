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
      assert.match(said, /macro F1 [01]\.\d+/);
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
];
