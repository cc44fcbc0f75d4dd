import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runsOf, runToEnd } from '../workplace.mjs';
import { pressLens } from './prompts.mjs';

/** @type {import('../stage.mjs').Scenario[]} */
export const untrusted = [
  {
    name: 'An untrusted workspace is for viewing only: runs and dashboard are shown, nothing is started or changed',
    async play(stage) {
      const { workspace } = stage;
      await runToEnd(workspace, 'short');
      const [{ folder, record }] = await runsOf(workspace);
      const before = await readFile(path.join(folder, 'run.json'), 'utf8');
      const template = path.join(workspace, 'greeting.prompty');
      const server = await stage.serve('restricted', { trusted: false });
      const window = await stage.openWindow(server);
      const dashboard = stage.dashboardOf(window);
      stage.shown = window;
      try {
        await window.until('restricted mode', async () =>
          (await window.page.locator('.statusbar').innerText()).includes('Restricted Mode'),
        );
        await window.openSideBar();
        await window.until('the run in the tree', async () =>
          (await window.treeText('Runs')).some((line) => line.includes(record.name)),
        );
        await window.tree('Runs').last().click();
        await dashboard.untilState('Done');
        const text = await dashboard.text();
        assert.match(text, /not trusted/, 'the dashboard says why there are no buttons');
        assert.doesNotMatch(text, /Try Model|Duplicate and Edit|Resume/);

        await window.openFile('rows.csv');
        await window.page.keyboard.press('F1');
        const input = window.page.locator('.quick-input-widget:not([style*="display: none"]) input').first();
        await input.fill('>Luthier: ');
        await window.until('Luthier’s commands', async () =>
          (await window.rows().allTextContents()).some((row) => row.includes('Luthier')),
        );
        const offered = (await window.rows().allTextContents()).join('\n');
        for (const title of ['Fine-tune on Selection', 'Start Run', 'Try Model', 'Delete Run']) {
          assert.ok(!offered.includes(title), `${title} is not offered`);
        }
        assert.match(offered, /Open Dashboard/);
        await window.page.keyboard.press('Escape');

        // A template is shown with what can be done with it, and nothing is.
        await writeFile(template, '---\nsample:\n  name: Ada\n---\nuser:\nHello {{name}}\n');
        await window.openFile('greeting.prompty');
        const page = await pressLens(window, 'Try');
        await window.until('the page to say that nothing is run', async () =>
          (await page.locator('.banner').innerText()).includes('not trusted'),
        );
        assert.equal(await page.locator('.messages').count(), 0, 'nothing was rendered');
        assert.equal(await readFile(path.join(folder, 'run.json'), 'utf8'), before);
        assert.equal((await runsOf(workspace)).length, 1);
        await window.page.context().close();
      } finally {
        await rm(template, { force: true });
        await server.stop();
      }
    },
  },
];
