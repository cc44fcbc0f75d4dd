import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../..');

/** A suggestion that would come has come by then, with a model that is loaded. */
export const NONE_MS = 4000;

/** Has somebody asked for it, something is suggested even while the machine is busy. */
const ASK = 'Alt+\\';

/**
 * A VS Code of its own for completions, which others have switched off: one for all of these scenarios.
 * @param {import('../stage.mjs').Stage} stage
 * @returns {Promise<import('../server.mjs').VSCodeServer>}
 */
export async function completionsServer(stage) {
  const known = stage.servers.find(({ folder }) => path.basename(folder) === 'completions');
  return known ?? (await stage.serve('completions', { settings: SETTINGS }));
}

/**
 * Nothing is chosen, counted or kept, and settings are as they were: what a scenario that failed has left is no part of the
 * next.
 * @param {import('../server.mjs').VSCodeServer} server
 */
export async function clearCompletions(server) {
  await server.configure({});
  const storage = path.join(server.folder, 'data/User/globalStorage');
  const names = await readdir(storage, { recursive: true }).catch(() => []);
  const folder = names.find((name) => path.basename(name) === 'completions');
  if (folder) await rm(path.join(storage, folder), { recursive: true });
}

/** Those of that VS Code. */
const SETTINGS = {
  'luthier.completions.enabled': true,
  // However busy the machine, no model is too slow here.
  'luthier.completions.slowMilliseconds': 60_000,
  // Files that git ignores are found by their names, too.
  'search.useIgnoreFiles': false,
  // The list of suggestions would be in the way.
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.wordBasedSuggestions': 'off',
  // A line of text is a line on screen.
  '[markdown]': { 'editor.wordWrap': 'off' },
};

/** @param {import('playwright-core').Page} page */
export const ghost = async (page) => {
  const parts = await page
    .locator('.editor-instance .ghost-text-decoration, .editor-instance .ghost-text-decoration-preview')
    .allInnerTexts();
  return parts.join('').replaceAll('\u00a0', ' ').replaceAll('·', ' ');
};

/**
 * What the editor shows, suggestions left out.
 * @param {import('playwright-core').Page} page
 */
export const written = async (page) =>
  await page.locator('.editor-instance .view-lines').evaluate((lines) =>
    [.../** @type {HTMLElement} */ (lines).querySelectorAll('.view-line')]
      .sort(
        (a, b) =>
          parseFloat(/** @type {HTMLElement} */ (a).style.top) - parseFloat(/** @type {HTMLElement} */ (b).style.top),
      )
      .map((line) => {
        const copy = /** @type {HTMLElement} */ (line.cloneNode(true));
        for (const part of copy.querySelectorAll('[class*="ghost-text"]')) part.remove();
        return (copy.textContent ?? '').replaceAll('\u00a0', ' ');
      })
      .join('\n'),
  );

/** @param {import('../window.mjs').VSCodeWindow} window */
export const suggestion = async (window) => {
  const { page } = window;
  return await window.until('a suggestion', async () => (await ghost(page)).trim() !== '' && (await ghost(page)));
};

/** What a suggestion of several words comes after, sooner or later. */
const OPENINGS = [
  'Then the woman said that ',
  'The little boy ran to the ',
  'Once upon a time there was a ',
  'He went home and ',
];

/**
 * Begins lines until one is suggested to go on with several words; gives how it begins and what is suggested.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @returns {Promise<[opening: string, suggested: string]>}
 */
async function severalWords(window) {
  const { page } = window;
  for (const opening of OPENINGS) {
    await page.keyboard.press('Enter');
    await page.keyboard.type(opening);
    const text = await suggestion(window);
    if (text.trim().split(/\s+/).length >= 3) return [opening, text];
  }
  throw new Error('Nothing of several words was suggested');
}

/** A suggestion that would come has come by then, with a model that is loaded on a busy machine. */
const COMES_MS = 10_000;

/**
 * Begins lines until something is suggested to go on with; gives how the line begins and what is suggested. Not every
 * line has a suggestion, and what is typed before the model is chosen and loaded is not answered later.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @returns {Promise<[opening: string, suggested: string]>}
 */
export async function anySuggestion(window) {
  const { page } = window;
  let count = 0;
  return await window.until(
    'a suggestion',
    async () => {
      const opening = /** @type {string} */ (OPENINGS[count++ % OPENINGS.length]);
      await page.keyboard.press('Enter');
      await page.keyboard.type(opening);
      const text = await window
        .until('one to this line', async () => (await ghost(page)).trim() !== '' && (await ghost(page)), {
          patience: COMES_MS,
        })
        .catch(() => '');
      return text !== '' && [opening, text];
    },
    { patience: 300_000 },
  );
}

/** @param {import('../window.mjs').VSCodeWindow} window */
const status = (window) => window.page.locator('.statusbar-item').filter({ hasText: 'Completions' });

/**
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {RegExp} words
 */
export const untilStatus = async (window, words) =>
  await window.until(`the status bar to say ${words}`, async () => {
    const item = status(window);
    return (await item.count()) > 0 && words.test((await item.first().innerText()).trim());
  });

/** What the item says. @param {import('../window.mjs').VSCodeWindow} window */
export const statusText = async (window) => (await status(window).first().innerText()).trim();

/** What who hears the item hears. @param {import('../window.mjs').VSCodeWindow} window */
export const statusLabel = async (window) =>
  await status(window)
    .first()
    .evaluate((item) =>
      [item, ...item.querySelectorAll('[aria-label]')].map((part) => part.getAttribute('aria-label') ?? '').join(' '),
    );

/** Opens the menu of the status bar. @param {import('../window.mjs').VSCodeWindow} window */
export async function openMenu(window) {
  await status(window).first().locator('a').first().click();
  await window.question('Completions');
}

/**
 * Chooses from the menu of the status bar.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {string} label
 */
export async function choose(window, label) {
  await openMenu(window);
  await window.answer(label);
}

/** The starter, chosen for all languages where nothing has been chosen yet. @param {import('../window.mjs').VSCodeWindow} window */
export async function chooseStarter(window) {
  await window.command('Luthier: Choose Model for Completions…');
  let isSaid = false;
  await window.until('the models', async () => {
    const title = await window.page
      .locator('.quick-input-widget:not([style*="display: none"]) input')
      .first()
      .getAttribute('placeholder');
    // Once: the question may stand there for a moment after its answer.
    if (/which languages/.test(title ?? '') && !isSaid) {
      isSaid = true;
      await window.answer('All languages');
    }
    return /Which model completes/.test(title ?? '');
  });
  await window.answer('starters/decoder');
}

/**
 * @param {import('../stage.mjs').Stage} stage
 * @param {(window: import('../window.mjs').VSCodeWindow) => Promise<void>} work
 */
export async function inWindow(stage, work) {
  const server = await completionsServer(stage);
  await clearCompletions(server);
  const window = await stage.openWindow(server);
  stage.shown = window;
  await work(window);
  await window.closeEditors();
  // What failed stays, to be looked at.
  await stage.closeWindow(window, server);
  stage.shown = stage.window;
}

/** @type {import('../stage.mjs').Scenario[]} */
export const completions = [
  {
    name: 'Completions: a model is chosen when it is first offered; ghost text is accepted with Tab and by word, and goes with another key',
    async play(stage) {
      const file = path.join(stage.workspace, 'notes.md');
      await writeFile(file, '# Notes\n\n');
      await inWindow(stage, async (window) => {
        const { page } = window;
        await window.openFile('notes.md');
        await page.keyboard.press('Control+End');
        // Whoever writes goes on: what was written before Luthier was there asks nothing.
        await window.until(
          'the question',
          async () => {
            await page.keyboard.type('a ');
            return (await window.notifications()).some((text) => text.includes('can complete what you write'));
          },
          { every: 2000 },
        );
        await window.pressInNotification(/can complete what you write/, 'Choose Model…');
        await window.question('Which model completes');
        await window.answer('starters/decoder');
        await untilStatus(window, /^Completions$/);
        await window.clearNotifications();
        await page.locator('.editor-instance .view-line').first().click();
        await page.keyboard.press('Control+End');
        await page.keyboard.press('Enter');

        // The first one waits for the model.
        await page.keyboard.type('The old man went to the ');
        const first = await suggestion(window);
        const before = await written(page);
        assert.ok(!before.includes(first.trim()), 'what is suggested is not written');
        await page.keyboard.press('Tab');
        await window.until('the suggestion to be written', async () => (await written(page)).includes(first.trim()));
        assert.ok((await written(page)).includes(`old man went to the ${first.trimEnd()}`), await written(page));

        // Word by word: the rest stays a suggestion.
        const [opening, second] = await severalWords(window);
        await page.keyboard.press('Control+ArrowRight');
        const [word] = second.trim().split(/\s+/);
        await window.until('its first word to be written', async () =>
          (await written(page)).includes(`${opening}${word}`),
        );
        assert.ok(!(await written(page)).includes(`${opening}${second.trim()}`), 'the rest is not written');
        await window.until('the rest to stay', async () => {
          const rest = await ghost(page);
          return rest.trim() !== '' && second.includes(rest.trim());
        });

        // Another key: it is gone, and nothing of it is written.
        const rest = await ghost(page);
        await page.keyboard.type('Q');
        await window.until('it to go', async () => !(await ghost(page)).includes(rest.trim()));
        assert.ok(
          (await written(page)).includes(`${word}`) && !(await written(page)).includes(`${opening}${second.trim()}`),
        );

        // The walkthrough has ticked off what was done before it was opened, and nothing else.
        assert.deepEqual(await window.ticked('Luthier: Get Started with Completions', ['model', 'write', 'accept']), [
          'model',
          'write',
          'accept',
        ]);

        // What was counted is shown.
        await window.command('Luthier: Show Completion Counts');
        const frame = await window.webview('luthier-completions');
        await window.until('the counts', async () => {
          const text = await frame.locator('body').innerText();
          return text.includes('starters/decoder') && text.includes('Markdown') && /Accepted/.test(text);
        });
        const cells = await frame.locator('.counts tbody td.number').allInnerTexts();
        assert.ok(Number(cells[3]) >= 1, `accepted: ${cells.join(' ')}`);
        await frame.getByText('Delete Counts…').click();
        await window.dialog(/Delete the counts/);
        await window.answerDialog('Delete');
        await window.until('nothing to be left', async () =>
          (await frame.locator('body').innerText()).includes('Nothing has been suggested yet'),
        );
      });
      await rm(file, { force: true });
    },
  },
  {
    name: 'Completions: none in secret and ignored files; the switch in the status bar; a model for a language; a deleted model is told once',
    async play(stage) {
      const { workspace } = stage;
      const repository = path.join(workspace, 'repository');
      const own = path.join(workspace, 'own-writer');
      await mkdir(repository, { recursive: true });
      await cp(path.join(root, 'starters/decoder'), own, { recursive: true });
      await writeFile(path.join(workspace, 'letters.md'), '# Letters\n\n');
      await writeFile(path.join(workspace, 'plain.txt'), 'A text.\n');
      await writeFile(path.join(workspace, '.env'), 'HOST=localhost\n');
      await writeFile(path.join(workspace, 'passwords.txt'), 'the password is \n');
      await writeFile(path.join(repository, '.gitignore'), 'draft.md\n');
      await writeFile(path.join(repository, 'draft.md'), 'The old man \n');
      execFileSync('git', ['init', '--quiet'], { cwd: repository });
      try {
        await inWindow(stage, async (window) => {
          const { page } = window;
          const write = async (/** @type {string} */ text) => {
            await page.locator('.editor-instance .view-line').first().click();
            await page.keyboard.press('Control+End');
            await page.keyboard.press('Enter');
            await page.keyboard.type(text);
          };
          await window.openFile('letters.md');
          await chooseStarter(window);
          await untilStatus(window, /^Completions$/);
          await write('The old man went to the ');
          await suggestion(window);

          // The model is loaded: what would come comes quickly.
          for (const [name, words] of /** @type {const} */ ([
            ['.env', /may hold secrets/],
            ['passwords.txt', /may hold secrets/],
            ['draft.md', /ignored by Git/],
          ])) {
            await window.openFile(name);
            await untilStatus(window, words);
            await write('The old man went to the ');
            await page.keyboard.press(ASK);
            await new Promise((resolve) => setTimeout(resolve, NONE_MS));
            assert.equal(await ghost(page), '', `nothing is suggested in ${name}`);
          }

          // Off and on, for all and for a language.
          await window.openFile('letters.md');
          await untilStatus(window, /^Completions$/);
          await choose(window, 'Turn Off for Markdown');
          await untilStatus(window, /off for Markdown/);
          await choose(window, 'Turn On for Markdown');
          await untilStatus(window, /^Completions$/);
          await choose(window, 'Turn Off');
          await untilStatus(window, /: off$/);
          await write('The young man went to the ');
          await page.keyboard.press(ASK);
          await new Promise((resolve) => setTimeout(resolve, NONE_MS));
          assert.equal(await ghost(page), '', 'nothing is suggested while it is off');
          await choose(window, 'Turn On');
          await untilStatus(window, /^Completions$/);
          assert.match(
            await statusLabel(window),
            /starters\/decoder completes Markdown/,
            'who hears it knows the model',
          );

          // A model of its own for Markdown; plain text keeps the other.
          await choose(window, 'Choose Model…');
          await window.question('which languages');
          await window.answer('Only Markdown');
          await window.question('Which model completes Markdown');
          await window.answer('own-writer');
          await window.until('the status bar to name it', async () =>
            /own-writer completes Markdown/.test(await statusLabel(window)),
          );
          await write('The young woman went to the ');
          await suggestion(window);
          await window.openFile('plain.txt');
          await window.until('the other model', async () =>
            /starters\/decoder completes Plain Text/.test(await statusLabel(window)),
          );

          // It is deleted: said once, in one of two windows, and switched off for this language alone.
          await rm(own, { recursive: true, force: true });
          await window.clearNotifications();
          await window.openFile('letters.md');
          const gone = async () =>
            (await window.notifications()).filter((text) => text.includes('own-writer no longer completes'));
          for (let i = 0; i < 20 && (await gone()).length === 0; i++) {
            await write(`Once upon a time ${i} there was a `);
            await page.keyboard.press(ASK);
            await new Promise((resolve) => setTimeout(resolve, 3000));
          }
          assert.equal((await gone()).length, 1);
          await untilStatus(window, /switched off/);
          await write('Nothing more is said of the ');
          await new Promise((resolve) => setTimeout(resolve, NONE_MS));
          assert.equal((await gone()).length, 1);

          const server = await completionsServer(stage);
          const other = await stage.openWindow(server);
          try {
            await other.openFile('letters.md');
            await untilStatus(other, /switched off/);
            assert.ok(!(await other.notifications()).some((text) => text.includes('own-writer')), 'and not once more');
          } finally {
            await stage.closeWindow(other, server);
          }

          // Back to the model of all languages, which works.
          await choose(window, 'Undo the Last Change');
          await untilStatus(window, /^Completions$/);
          await write('The old woman went to the ');
          await suggestion(window);
        });
      } finally {
        for (const name of ['repository', 'own-writer', 'letters.md', 'plain.txt', '.env', 'passwords.txt'])
          await rm(path.join(workspace, name), { recursive: true, force: true });
      }
    },
  },
];
