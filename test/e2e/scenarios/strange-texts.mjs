import assert from 'node:assert/strict';
import { cp, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  choose,
  chooseStarter,
  completionsServer,
  inWindow,
  NONE_MS,
  statusLabel,
  suggestion,
  untilStatus,
  written,
} from './completions.mjs';

const starter = path.resolve(import.meta.dirname, '../../../starters/decoder');

/** What each file has, and the line that is begun at its end. */
const FILES = {
  // 10 MB.
  'large.md': {
    text: 'A line of a large file, of which there are many more.\n'.repeat(190_000),
    line: 'The old man went to the ',
  },
  // A line of 100,000 characters.
  'long.md': { text: `${'The parcel is in the van. '.repeat(4000)}\n`, line: 'The old man went to the ' },
  // From right to left, without blanks, with marks above and below, and characters of several code points.
  'scripts.md': {
    text: [
      ...['שלום עולם, היום יום יפה.', 'مرحبا بالعالم، اليوم يوم جميل.', '今天天气很好，我们去公园。'],
      ...['สวัสดีชาวโลก วันนี้อากาศดีมาก', 'नमस्ते दुनिया', '👩‍👩‍👧‍👦 🎻🇨🇭 👍🏽 e\u0301\u0323', ''],
    ].join('\n'),
    line: 'The old man went to the ',
  },
  // Half-written code: brackets, a text and a comment that nothing closes.
  'half.ts': {
    text: 'export function mean(values: number[] {\n  if (values.length === 0 {\n    throw new Error("none\n  /* a sum\n',
    line: '// The old man went to the ',
  },
};
/** Lines of which nothing is expected, but that what is typed next is answered as ever. */
const BEGUN = ['שלום ל', 'مرحبا ', '今天我们', 'วันนี้', '👩‍👩‍👧‍👦 '];

/** @type {import('../stage.mjs').Scenario[]} */
export const strangeTexts = [
  {
    name: 'Completions: a file of 10 MB, a line of 100,000 characters, other scripts and half-written code; a half-written model is told of once',
    async play(stage) {
      const { workspace } = stage;
      const own = path.join(workspace, 'half-writer');
      await cp(starter, own, { recursive: true });
      for (const [name, { text }] of Object.entries(FILES)) await writeFile(path.join(workspace, name), text);
      const server = await completionsServer(stage);
      await server.configure({ 'luthier.completions.languages': ['markdown', 'typescript'] });
      try {
        await inWindow(stage, async (window) => {
          const { page } = window;
          /** What says that a model is switched off. */
          const told = async () =>
            (await window.notifications()).filter((text) => text.includes('no longer completes'));
          // Behind the menu the status bar has the keys. A line may be wider than what is seen of it, so a place is clicked.
          const intoEditor = async () => {
            const box = await page.locator('.editor-instance').first().boundingBox();
            assert.ok(box);
            await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
            await page.keyboard.press('Control+End');
          };
          const begin = async (/** @type {string} */ text) => {
            await intoEditor();
            await page.keyboard.press('Enter');
            await page.keyboard.type(text);
          };
          await window.openFile('large.md');
          await chooseStarter(window);
          await untilStatus(window, /^Completions$/);
          for (const [name, { line }] of Object.entries(FILES)) {
            await window.openFile(name);
            if (name === 'scripts.md') for (const other of BEGUN) await begin(other);
            await begin(line);
            const suggested = await suggestion(window);
            await page.keyboard.press('Tab');
            await window.until(`it to be written to ${name}`, async () =>
              (await written(page)).includes(`${line}${suggested.trimEnd()}`),
            );
          }
          assert.deepEqual(await told(), []);

          // Its copy is not whole yet.
          await window.openFile('long.md');
          await choose(window, 'Choose Model…');
          await window.question('which languages');
          await window.answer('Only Markdown');
          await window.question('Which model completes Markdown');
          await window.answer('half-writer');
          await window.until('the status bar to name it', async () =>
            /half-writer completes Markdown/.test(await statusLabel(window)),
          );
          await truncate(path.join(own, 'model.safetensors'), 1_000_000);
          await begin('The young man went to the ');
          await window.until('it to be told', async () => (await told()).length > 0);
          assert.match((await told()).join('\n'), /^half-writer no longer completes Markdown: .*model\.safetensors/);
          await untilStatus(window, /switched off/);
          await begin('The young woman went to the ');
          await new Promise((resolve) => setTimeout(resolve, NONE_MS));
          assert.equal((await told()).length, 1, 'and not once more');
          await choose(window, 'Undo the Last Change');
          await untilStatus(window, /^Completions$/);
        });
      } finally {
        await server.configure({ 'luthier.completions.languages': undefined });
        for (const name of ['half-writer', ...Object.keys(FILES)])
          await rm(path.join(workspace, name), { recursive: true, force: true });
      }
    },
  },
];
