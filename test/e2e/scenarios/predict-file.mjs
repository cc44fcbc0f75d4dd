import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { trainWriter } from './chat.mjs';
import { told } from './models.mjs';

/** More than are answered before somebody presses Cancel. */
const ROWS = 400;
/** @param {number} row */
const prompt = (row) => `How do I move note ${row}?`;

/** @type {import('../stage.mjs').Scenario[]} */
export const predictFile = [
  {
    name: 'Predict on File…: prompts are answered into a column; cancelled halfway, the rows that were answered are kept',
    async play(stage) {
      const { window, workspace } = stage;
      const { page } = window;
      const at = (/** @type {string} */ name) => path.join(workspace, name);
      const [asked, answered, lines, written] = [
        ...['asked.csv', 'answered.csv', 'asked.jsonl', 'asked.predictions.jsonl'].map(at),
      ];
      const predict = async (/** @type {string} */ from, /** @type {string} */ to) => {
        await window.command('Luthier: Predict on File…');
        await window.chooseFile(from, 'Predict with helper on');
        await window.chooseFile(to, 'Save the Predictions');
      };
      try {
        const rows = Array.from({ length: 8 }, (_, i) => ({
          messages: [
            { role: 'user', content: prompt(i) },
            { role: 'assistant', content: `Open the settings, select note ${i} and press Move.` },
          ],
        }));
        await trainWriter(workspace, 'helper', { task: 'conversational' }, rows);
        await writeFile(asked, `id,prompt\n${Array.from({ length: ROWS }, (_, i) => `${i},${prompt(i)}\n`).join('')}`);
        await writeFile(lines, [0, 1].map((n) => `${JSON.stringify({ n, prompt: prompt(n) })}\n`).join(''));
        await window.openSideBar();
        await window.until('the run in the tree', async () =>
          (await window.treeText('Runs')).join().includes('helper'),
        );

        await predict(asked, answered);
        await window.until('the second row to be done', async () =>
          (await window.notifications()).some((said) => new RegExp(`\\b([2-9]|\\d\\d+) of ${ROWS} rows`).test(said)),
        );
        await window.pressInNotification(/Predicting with helper/, 'Cancel');
        const said = await told(window, /^Cancelled after/);
        const [, kept, left] =
          new RegExp(
            `^Cancelled after (\\d+) of ${ROWS} rows of asked\\.csv\\. answered\\.csv has these rows with the new column generated_text; the other (\\d+) are left out\\.`,
          ).exec(said) ?? [];
        assert.ok(kept, said);
        assert.equal(Number(kept) + Number(left), ROWS);
        const table = await readFile(answered, 'utf8');
        assert.match(table, /^id,prompt,generated_text\n0,How do I move note 0\?,./);
        const ids = [...table.matchAll(/^(\d+),How do I move note \1\?,./gm)].map(([, id]) => Number(id));
        assert.deepEqual(
          ids,
          Array.from({ length: Number(kept) }, (_, i) => i),
          'the rows that were answered, and no other',
        );
        await window.pressInNotification(/Cancelled after/, 'Open File');
        await page.locator('.tabs-container .tab.active[data-resource-name="answered.csv"]').waitFor();
        await window.clearNotifications();

        // The model answers on, and the same prompt alike.
        await predict(lines, written);
        await told(
          window,
          /^2 rows of asked\.jsonl answered from prompt\. asked\.predictions\.jsonl has the new column generated_text\./,
        );
        await window.pressInNotification(/2 rows of asked/, 'Open File');
        await page.locator('.tabs-container .tab.active[data-resource-name="asked.predictions.jsonl"]').waitFor();
        const answers = (await readFile(written, 'utf8'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        assert.deepEqual(
          answers.map(({ n, prompt }) => ({ n, prompt })),
          // The number as it stands in the file.
          [0, 1].map((n) => ({ n, prompt: prompt(n) })),
        );
        for (const { n, generated_text: text } of answers) {
          assert.ok(text.trim().length > 0);
          const cell = text.replaceAll('"', '""');
          const alike = [cell, `"${cell}"`].some((each) => table.includes(`${n},${prompt(n)},${each}\n`));
          assert.ok(alike, `${text} is no answer of ${table}`);
        }
      } finally {
        for (const made of [asked, answered, lines, written, at('helper.jsonl'), at('helper.recipe.json')])
          await rm(/** @type {string} */ (made), { force: true });
      }
    },
  },
];
