import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { luthier } from '../workplace.mjs';
import { withoutMouse } from './keyboard.mjs';

const TOPICS = ['the sync', 'my notes', 'the plan', 'a backup', 'the trash', 'my phone', 'the laptop', 'a notebook'];

/**
 * Trains a model that writes for one step: what it says is no matter here.
 * @param {string} workspace
 * @param {string} name
 * @param {object} recipe
 * @param {object[]} rows
 */
export async function trainWriter(workspace, name, recipe, rows) {
  await writeFile(path.join(workspace, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const whole = {
    version: 2,
    model: 'starters/decoder',
    dataset: `${name}.jsonl`,
    max_steps: 1,
    per_device_train_batch_size: 2,
    max_length: 64,
    strategy: { type: 'lora' },
    ...recipe,
  };
  await writeFile(path.join(workspace, `${name}.recipe.json`), JSON.stringify(whole));
  await luthier(workspace, 'train', `${name}.recipe.json`, '--name', name, '--json');
}

/**
 * What stands on the page for who hears it instead of seeing it; fails where something to act with has no name.
 * @param {import('playwright-core').Frame} frame
 */
async function heard(frame) {
  const outline = await frame.locator('body').ariaSnapshot();
  const nameless = outline
    .split('\n')
    .filter((line) => /^\s*- (button|textbox|checkbox|link)(:|\s*\[|\s*$)/.test(line));
  assert.deepEqual(nameless, [], outline);
  return outline;
}

/**
 * Moves the focus back through the page until it is on what has this accessible name.
 * @param {import('playwright-core').Frame} frame
 * @param {RegExp} name
 */
async function shiftTabTo(frame, name) {
  for (let i = 0; i < 40; i++) {
    const focused = await frame.evaluate(() => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      return at?.getAttribute('aria-label') || at?.textContent?.trim() || '';
    });
    if (name.test(focused)) return;
    await frame.page().keyboard.press('Shift+Tab');
  }
  throw new Error(`Shift+Tab does not lead to ${name}`);
}

/**
 * Selects what stands in a field of one line. Not with Control+A: VS Code takes that from a page and selects all of it
 * once more a little later, so that quick keys replace what the first of them wrote.
 * @param {import('playwright-core').Page} page
 */
async function selectLine(page) {
  await page.keyboard.press('End');
  await page.keyboard.press('Shift+Home');
}

/** @type {import('../stage.mjs').Scenario[]} */
export const chat = [
  {
    name: 'Try Model is a chat where a model answers dialogues: streamed, stopped, written again, edited, with the keys alone',
    async play(stage) {
      const { window, workspace } = stage;
      const { page } = window;
      const rows = TOPICS.map((topic) => ({
        messages: [
          { role: 'user', content: `How do I move ${topic}?` },
          { role: 'assistant', content: `Open the settings, select ${topic} and press Move.` },
        ],
      }));
      await trainWriter(workspace, 'support', { task: 'conversational' }, rows);
      await window.openSideBar();
      await window.until('the run in the tree', async () => (await window.treeText('Runs')).join().includes('support'));
      await window.command('Luthier: Try Model');
      const frame = await window.webview('luthier-chat');
      const input = frame.locator('.composer textarea');
      const answers = frame.locator('article.answer');
      const last = () => answers.last().locator('.text').innerText({ timeout: 5000 });
      const isBusy = async () =>
        (await answers.count()) > 0 && (await answers.last().getAttribute('aria-busy')) === 'true';
      const ended = (/** @type {number} */ count) =>
        window.until(
          `${count} answers to be written`,
          async () => (await answers.count()) === count && !(await isBusy()),
        );

      await withoutMouse(page, async () => {
        // The page has the focus once it is open.
        await input.waitFor();
        await window.until('the message to be typed', async () => {
          if ((await input.inputValue()) === '') await page.keyboard.type('How do I move my notes?');
          return (await input.inputValue()) === 'How do I move my notes?';
        });
        // Long enough to be stopped in the middle.
        await shiftTabTo(frame, /^Settings/);
        await page.keyboard.press('Enter');
        const limit = frame.getByRole('textbox', { name: 'New tokens at most' });
        await limit.focus();
        await selectLine(page);
        await page.keyboard.type('4000');
        await input.focus();
        await page.keyboard.press('Enter');
        await window.until('what was said to leave the box', async () => (await input.inputValue()) === '');
        const kept = await window.until('an answer that grows, to be stopped', async () => {
          if ((await answers.count()) === 0) return false;
          if (!(await isBusy())) {
            // It came to its end before it could be stopped.
            await shiftTabTo(frame, /^Write the answer again$/);
            await page.keyboard.press('Enter');
            await input.focus();
            return false;
          }
          const before = await last();
          await window.until('more of it', async () => !(await isBusy()) || (await last()).length > before.length);
          if (!(await isBusy())) return false;
          await input.focus();
          await page.keyboard.press('Escape');
          await window.until('it to end', async () => !(await isBusy()));
          const text = await answers.last().innerText();
          return text.includes('Stopped') && (await last()).length >= before.length && (await last());
        });
        assert.ok(kept.trim().length > 0, 'what was written stays');
        await new Promise((resolve) => setTimeout(resolve, 500));
        assert.equal(await last(), kept, 'and nothing more comes');

        // A limit that is set is kept to, and it is said that the answer was cut off there.
        await limit.focus();
        await selectLine(page);
        await page.keyboard.type('6');
        await input.focus();
        await shiftTabTo(frame, /^Write the answer again$/);
        await page.keyboard.press('Enter');
        await ended(1);
        assert.match(await answers.last().innerText(), /6 tokens, [\d.]+ a second · cut off at the token limit/);

        // The same seed gives the same answer.
        for (const [name, value] of [
          ['Temperature', '0.9'],
          ['Seed', '11'],
        ]) {
          await frame.getByRole('textbox', { name }).focus();
          await page.keyboard.type(/** @type {string} */ (value));
        }
        const drawn = [];
        for (let i = 0; i < 2; i++) {
          await input.focus();
          await shiftTabTo(frame, /^Write the answer again$/);
          await page.keyboard.press('Enter');
          await window.until('it to begin', isBusy, { patience: 20_000 }).catch(() => undefined);
          await ended(1);
          drawn.push(await last());
        }
        assert.equal(drawn[0], drawn[1]);

        // What was said last comes back to be said otherwise.
        await input.focus();
        await page.keyboard.press('ArrowUp');
        await window.until('it in the box', async () => (await input.inputValue()) === 'How do I move my notes?');
        assert.equal(await answers.count(), 0);
        await selectLine(page);
        await page.keyboard.type('And a backup?');
        await frame.getByRole('textbox', { name: 'System text' }).focus();
        await page.keyboard.type('You answer in one word.');
        await shiftTabTo(frame, /^Settings/);
        assert.match(await frame.locator('.settings summary').innerText(), /system text set/);
        await frame.getByRole('checkbox', { name: 'Answer with the base model, too' }).focus();
        await page.keyboard.press('Space');
        await input.focus();
        await page.keyboard.press('Enter');
        await ended(2);
        assert.deepEqual(await answers.locator('h3').allInnerTexts(), ['support', 'starters/decoder']);

        const outline = await heard(frame);
        for (const said of ['article "Answer of support"', 'article "Answer of starters/decoder"', 'textbox "Message'])
          assert.ok(outline.includes(said), `${said} in ${outline}`);
      });

      // It is there again after it was hidden.
      await window.openFile('rows.csv');
      await page.locator('.tabs-container .tab').filter({ hasText: 'Try support' }).click();
      const again = await window.webview('luthier-chat');
      await window.until('the chat as it was', async () =>
        (await again.locator('.turns').innerText()).includes('And a backup?'),
      );
      assert.equal(await again.locator('article.answer').count(), 2);
    },
  },
  {
    name: 'A model that continues texts: Try Model continues one, and a line more is a line more',
    async play(stage) {
      const { window, workspace } = stage;
      const rows = TOPICS.map((topic) => ({ text: `The manual says of ${topic}: open the settings and press Move.` }));
      await trainWriter(workspace, 'manual', { task: 'text-generation' }, rows);
      await window.openSideBar();
      await window.tree('Runs').filter({ hasText: 'manual' }).last().waitFor();
      await window.command('Luthier: Try Model');
      const frame = await window.webview('luthier-chat');
      const input = frame.locator('.composer textarea');
      await input.fill('The server');
      // Of a text a line more is a line more.
      await input.press('Enter');
      assert.equal(await input.inputValue(), 'The server\n');
      await input.fill('The server');
      await input.press('Control+Enter');
      const answer = frame.locator('article.answer');
      await window.until('a continuation', async () => (await answer.getAttribute('aria-busy')) === 'false');
      assert.ok((await answer.locator('.text').innerText()).trim().length > 0);
      await heard(frame);
    },
  },
];
