import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runsOf } from '../workplace.mjs';

/**
 * Puts the cursor on a word of the editor and chooses one of the quick fixes there.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {string} word
 * @param {string} title
 */
export async function quickFix(window, word, title) {
  const { page } = window;
  const item = page.locator('.action-widget .monaco-list-row').filter({ hasText: title });
  await window.until(`the quick fix ${title}`, async () => {
    await page.keyboard.press('Escape');
    await page.locator('.view-line span span').filter({ hasText: word }).first().click({ timeout: 5000 });
    await page.keyboard.press('Control+.');
    await item.first().waitFor({ timeout: 5000 });
    return true;
  });
  await item.first().click();
}

/** @type {import('../stage.mjs').Scenario[]} */
export const recipes = [
  {
    name: 'A recipe with a wrong key and a missing file does not start; quick fixes mend it, the problems go, and it trains',
    async play(stage) {
      const { window, workspace } = stage;
      const { page } = window;
      const file = path.join(workspace, 'mistaken.recipe.json');
      const recipe = JSON.parse(await readFile(path.join(workspace, 'short.recipe.json'), 'utf8'));
      const { learning_rate, ...rest } = recipe;
      await writeFile(
        file,
        `${JSON.stringify({ ...rest, lerning_rate: learning_rate, dataset: 'row.csv' }, null, 2)}\n`,
      );
      try {
        await window.openFile('mistaken.recipe.json');
        const squiggles = page.locator('.editor-instance .squiggly-error');
        await window.until('two problems under the recipe’s words', async () => (await squiggles.count()) === 2);
        const train = page.locator('.codelens-decoration a').filter({ hasText: 'Train' }).first();
        await train.click();
        const rows = page.locator('.markers-panel .monaco-list-row');
        const said = await window.until('the problems in the Problems view', async () => {
          const text = (await rows.allTextContents()).join('\n');
          return text.includes('did you mean "learning_rate"?') && text.includes('row.csv') && text;
        });
        assert.doesNotMatch(said, /not allowed/, 'VS Code’s own checks by schema do not say it twice');
        await window.until('a word on why it did not start', async () =>
          (await window.notifications()).some((one) => one.includes('mistaken.recipe.json has 2 errors')),
        );
        assert.deepEqual(await runsOf(workspace), [], 'no run was made');

        await quickFix(window, 'lerning_rate', 'Change to "learning_rate"');
        await window.until('one problem less', async () => (await squiggles.count()) === 1);
        await quickFix(window, 'row.csv', 'Change to "rows.csv"');
        await window.until('no problem any more', async () => (await squiggles.count()) === 0);
        // A lens that VS Code redraws in the moment of a click loses it: whoever sees nothing happen clicks again.
        await window.until('a run to be made', async () => {
          await train.click();
          const made = async () => (await runsOf(workspace)).length > 0;
          return window.until('a run after the click', made, { patience: 20_000 }).catch(() => false);
        });
        const [{ record }] = await window.until('the run to end', async () => {
          const runs = await runsOf(workspace);
          return runs[0]?.record.state === 'done' && runs;
        });
        assert.equal(record.recipe.learning_rate, learning_rate);
      } finally {
        await rm(file, { force: true });
      }
    },
  },
];
