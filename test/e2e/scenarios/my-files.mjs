import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runsOf } from '../workplace.mjs';
import { clearCompletions, completionsServer, ghost } from './completions.mjs';

const PLACES = ['harbour', 'garden', 'market', 'library', 'station', 'meadow'];

/** @type {import('../stage.mjs').Scenario[]} */
export const myFiles = [
  {
    name: 'Fine-tune on My Files: from the files of the workspace to a suggestion of the new model',
    async play(stage) {
      const own = path.join(stage.workspace, 'own');
      await mkdir(own, { recursive: true });
      for (const [i, place] of PLACES.entries()) {
        const line = `On day ${i} the old keeper of the ${place} wrote a short report about the ${place} and its keeper.\n`;
        await writeFile(path.join(own, `${place}.md`), `# The ${place}\n\n${line.repeat(4)}`);
      }
      await writeFile(
        path.join(own, 'secret.md'),
        '# Notes\n\npassword = "k3eper-of-9-keys"\nA note that is no secret.\n',
      );
      await writeFile(path.join(own, '.env'), 'TOKEN=never-read\n');
      const server = await completionsServer(stage);
      await clearCompletions(server);
      const window = await stage.openWindow(server);
      stage.shown = window;
      const { page } = window;
      try {
        await window.command('Luthier: Fine-tune on My Files…');
        await window.question('Which languages');
        // Those that are ticked; of several choices none has the focus.
        await page.keyboard.press('Enter');
        await window.question('Which base model');
        await window.answer('starters/decoder');
        await window.question('Press Enter to start');
        const summary = (await window.rows().allTextContents()).join('\n');
        assert.match(summary, /held out for validation/);
        await window.answer();
        const run = await window.until(
          'the run to be done',
          async () =>
            (await runsOf(stage.workspace)).find(
              ({ record }) => record.name.startsWith('my-files') && record.state === 'done',
            ),
          { patience: 600_000, every: 1000 },
        );
        assert.ok(run.record.recipe.task === 'text-generation');
        const patience = 300_000;
        await window.pressInNotification(/my-files.* is done/, 'Measure Completions', { patience });
        await window.pressInNotification(/bits a byte/, 'Use for Completions', { patience });
        // The run's page, which opened with its start, shows what was measured.
        const dashboard = await window.webview('luthier-dashboard');
        await dashboard.locator('#tab-evaluation').click();
        await window.until('the figures on the dashboard', async () =>
          (await dashboard.locator('#panel').innerText()).includes('accepted suggestions would have saved'),
        );
        await window.openFile('harbour.md');
        await page.keyboard.press('Control+End');
        await page.keyboard.type('On day 7 the old');
        // What is typed before the model is chosen and loaded is not answered later: a person goes on typing, too.
        await window.until(
          'a suggestion of the new model',
          async () => {
            await page.keyboard.type(' ');
            await page.waitForTimeout(2000);
            if ((await ghost(page)).trim() !== '') return true;
            await page.keyboard.press('Backspace');
            return false;
          },
          { every: 500 },
        );
        await stage.closeWindow(window, server);
        stage.shown = stage.window;
      } finally {
        await rm(own, { recursive: true, force: true });
      }
    },
  },
];
