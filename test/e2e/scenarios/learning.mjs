import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runsOf } from '../workplace.mjs';
import { anySuggestion, chooseStarter, clearCompletions, completionsServer, openMenu } from './completions.mjs';

const PLACES = ['harbour', 'garden', 'market', 'library', 'station', 'meadow'];

/** Completions that were accepted before, as the editor keeps them: more than a person would accept here in time. */
const earlier = Array.from({ length: 24 }, (_, i) => {
  const place = PLACES[i % PLACES.length];
  return {
    ...{ id: `${i}`.padStart(12, '0'), at: '2026-11-27T08:00:00.000Z', outcome: 'accepted', edited: false },
    ...{ language: 'markdown', model: 'starters/decoder', file: 'log.md' },
    prompt: `# Log\n\nEvening ${i}.\nOn evening ${i} the young keeper of the ${place}`,
    ...{ suggestion: ' wrote', completion: ` wrote a long letter about the ${place} and its lamp.`, after: '' },
  };
});

/**
 * Where a VS Code keeps what its windows share of completions.
 * @param {import('../server.mjs').VSCodeServer} server
 */
async function sharedFolder({ folder }) {
  const storage = path.join(folder, 'data/User/globalStorage');
  const names = await readdir(storage, { recursive: true });
  const state = names.find((name) => name.endsWith(path.join('completions', 'completions.json')));
  assert.ok(state, `${storage} has no choices of models`);
  return path.join(storage, path.dirname(state));
}

/** @type {import('../stage.mjs').Scenario[]} */
export const learning = [
  {
    name: 'Learn from My Completions: turned on, kept, reviewed; Update My Model trains and compares, the new model takes over and is rolled back',
    async play(stage) {
      const own = path.join(stage.workspace, 'learning');
      await mkdir(own, { recursive: true });
      for (const [i, place] of PLACES.entries()) {
        const line = `On day ${i} the old keeper of the ${place} wrote a short report about the ${place} and its keeper.\n`;
        await writeFile(path.join(own, `${place}.md`), `# The ${place}\n\n${line.repeat(4)}`);
      }
      await writeFile(path.join(own, 'diary.md'), '# Diary\n\n');
      const server = await completionsServer(stage);
      await clearCompletions(server);
      const window = await stage.openWindow(server);
      stage.shown = window;
      const { page } = window;
      try {
        await window.openFile('diary.md');
        await chooseStarter(window);
        // Off until somebody says yes to what is kept.
        await window.command('Luthier: Learn from My Completions…');
        const asked = await window.dialog(/Learn from your completions/);
        for (const words of ['Secrets are masked', 'learned.jsonl', 'Nothing leaves this machine'])
          assert.ok(asked.includes(words), asked);
        await window.answerDialog('Turn On');
        await window.clearNotifications();

        // One that is accepted is kept, and shown.
        await page.locator('.editor-instance .view-line').first().click();
        await page.keyboard.press('Control+End');
        const [opening, suggested] = await anySuggestion(window);
        await page.keyboard.press('Tab');
        await window.command('Luthier: Review Learned Completions…');
        await window.question('kept: 1 accepted');
        await page.keyboard.press('Escape');
        const shared = await sharedFolder(server);
        const file = path.join(shared, 'learned.jsonl');
        const rows = (await readFile(file, 'utf8'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        const kept = rows.find(({ outcome }) => outcome === 'accepted');
        assert.equal(kept.suggestion.trim(), suggested.trim());
        assert.ok(kept.prompt.endsWith(opening), kept.prompt);
        assert.equal(kept.file, 'learning/diary.md');

        // Too few are said, before anything is asked.
        await window.command('Luthier: Update My Model…');
        await window.until('it to be said', async () =>
          (await window.notifications()).some((text) => /1 completion that you accepted is kept so far/.test(text)),
        );
        await window.clearNotifications();

        await writeFile(file, `${[kept, ...earlier].map((row) => JSON.stringify(row)).join('\n')}\n`);
        await window.command('Luthier: Review Learned Completions…');
        await window.question('25 completions are kept');
        await window.answer('Inspect Dataset');
        const frame = await window.webview('luthier-dataset');
        await window.until('the rows', async () => (await frame.locator('body').innerText()).includes('its lamp'));

        await window.command('Luthier: Update My Model…');
        await window.question('Press Enter to start');
        assert.match((await window.rows().allTextContents()).join('\n'), /that you accepted are held out/);
        await window.answer();
        const run = await window.until(
          'the run to be done',
          async () =>
            (await runsOf(stage.workspace)).find(
              ({ record }) => record.name.startsWith('my-update') && record.state === 'done',
            ),
          { patience: 600_000, every: 1000 },
        );
        const said = await window.until(
          'what came of it',
          async () => (await window.notifications()).find((text) => /bits a byte/.test(text)),
          { patience: 300_000 },
        );
        assert.match(said, /\d bits a byte for \d+ completions? that you accepted \(starters\/decoder: \d+\.\d\d\)/);
        assert.match(said, /\d bits a byte for \d+ validation files? \(starters\/decoder: \d+\.\d\d\)/);
        assert.match(said, /perplexity of a general English text is [\d,.]+ \(starters\/decoder: [\d,.]+\)/);
        const completing = async () =>
          JSON.parse(await readFile(path.join(shared, 'completions.json'), 'utf8')).models['*'];
        // So few texts make a model that knows little else: it takes over only if somebody says so.
        if (!/now completes instead of/.test(said)) {
          assert.match(said, /starters\/decoder still completes/);
          assert.equal(await completing(), 'starters/decoder');
          await window.pressInNotification(/bits a byte/, 'Use It Anyway');
        }
        await window.until('the new model', async () => (await completing()).includes(run.record.id));
        await window.pressInNotification(/now completes instead of/, 'Roll Back');
        await window.until('the model of before', async () => (await completing()) === 'starters/decoder');
        // What came of it stays in the menu, for who has not seen it.
        await window.openFile('diary.md');
        await openMenu(window);
        await page.keyboard.type('Last Update');
        await window.until('what came of the update', async () =>
          new RegExp(`Last Update: ${run.record.name}.*starters/decoder completes again`).test(
            (await window.rows().allTextContents()).join('\n'),
          ),
        );
        await page.keyboard.press('Escape');
        const ticks = ['model', 'write', 'accept', 'files', 'learn'];
        assert.deepEqual(await window.ticked('Luthier: Get Started with Completions', ticks), ticks);

        await window.command('Luthier: Learn from My Completions…');
        await window.question('Learning is on');
        await window.answer('Turn Off and Delete All');
        await window.dialog(/Delete all \d+ learned completions/);
        await window.answerDialog('Delete');
        await window.until('nothing to be left', async () => !(await readdir(shared)).includes('learned.jsonl'));
        await window.closeEditors();
        await stage.closeWindow(window, server);
        stage.shown = stage.window;
      } finally {
        await rm(own, { recursive: true, force: true });
      }
    },
  },
];
