import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { clearRuns, runsOf } from '../workplace.mjs';

const ROWS = Array.from({ length: 30 }, (_, i) => `a lovely parcel ${i},good\na broken parcel ${i},bad`).reduce(
  (text, rows) => `${text}${rows}\n`,
  'text,label\n',
);

/**
 * Plays in a window of its own, which is closed at the end.
 * @param {import('../stage.mjs').Stage} stage
 * @param {any} target
 * @param {(window: import('../window.mjs').VSCodeWindow, dashboard: import("../window.mjs").DashboardPage) => Promise<void>} work
 */
async function inWindow(stage, target, work) {
  const window = await stage.openWindow(stage.server, target);
  stage.shown = window;
  await work(window, stage.dashboardOf(window));
  await stage.closeWindow(window);
  stage.shown = stage.window;
}

/** @param {import('../window.mjs').VSCodeWindow} window */
async function typeRows(window) {
  await window.command('File: New Untitled Text File');
  await window.page.locator('.editor-instance .monaco-editor').first().click();
  await window.page.keyboard.insertText(ROWS);
}

/**
 * Moves what is being dragged over something; two moves there, as a drag that has just begun passes the first over.
 * @param {import('playwright-core').Page} page
 * @param {any} target
 */
async function dragTo(page, target) {
  const { x, y, width, height } = await target.boundingBox({ timeout: 10_000 });
  await page.mouse.move(x + width / 2, y + height / 2, { steps: 10 });
  await page.mouse.move(x + width / 2 + 2, y + height / 2, { steps: 2 });
}

/** @type {import('../stage.mjs').Scenario[]} */
export const workspaces = [
  {
    name: 'A workspace of several folders: a run goes to its document’s folder',
    async play(stage) {
      const second = path.join(stage.folder, 'Zweite Werkstatt');
      await mkdir(second, { recursive: true });
      await writeFile(path.join(second, 'zweite.csv'), ROWS);
      const file = path.join(stage.folder, 'beide.code-workspace');
      await writeFile(file, JSON.stringify({ folders: [{ path: stage.workspace }, { path: second }] }));
      await inWindow(stage, file, async (window, dashboard) => {
        const folder = window.page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'Zweite' });
        await window.until('the folders', () =>
          folder
            .first()
            .waitFor({ timeout: 15_000 })
            .then(
              () => true,
              // Read before its server answers, a workspace's file is taken for empty, for good: VS Code's own flaw.
              async () => {
                await window.reload();
                await window.atRest();
                return false;
              },
            ),
        );
        await window.openFile('zweite.csv');
        await window.command('Luthier: Fine-tune on Selection');
        await window.answerUntilSummary();
        await window.answer('Start fine-tuning');
        await dashboard.untilState('Done');
        assert.equal((await runsOf(second)).length, 1, 'the run is in the second folder');
        assert.ok(
          (await readdir(second)).some((name) => name.endsWith('.recipe.json')),
          'and so is its recipe',
        );
        assert.equal((await runsOf(stage.workspace)).length, 0, 'and not in the first');
        await window.openSideBar();
        await window.until('the run in the tree', async () =>
          (await window.treeText('Runs')).some((line) => line.includes('zweite')),
        );

        // A document of neither folder: the person is asked.
        await window.closeEditors();
        await typeRows(window);
        await window.command('Luthier: Fine-tune on Selection');
        await window.question('Which folder should the dataset and the run go to?');
        await window.answer('Zweite');
        await window.answerUntilSummary();
        await window.page.keyboard.press('Escape');
        await window.until('the dataset that was written for the summary to be gone', async () => {
          const sets = await readdir(path.join(second, '.luthier/datasets')).catch(() => []);
          return sets.length === 0;
        });
        await window.closeEditors();
      });
      await clearRuns(second);
      await rm(second, { recursive: true });
    },
  },
  {
    name: 'No folder at all: Luthier’s own is offered, and the run goes there',
    async play(stage) {
      await inWindow(stage, null, async (window, dashboard) => {
        await typeRows(window);
        await window.command('Luthier: Fine-tune on Selection');
        await window.page.getByRole('button', { name: "Use Luthier's Folder" }).click();
        await window.answerUntilSummary();
        await window.answer('Start fine-tuning');
        await dashboard.untilState('Done');
        const own = path.join(stage.server.folder, 'data/User/globalStorage/luthier.luthier/workspace');
        const [run] = await runsOf(own);
        assert.equal(run.record.state, 'done');
        await window.openSideBar();
        await window.until('the run in the tree', async () => (await window.treeText('Runs')).length > 1);
        await clearRuns(own);
        await window.closeEditors();
      });
    },
  },
  {
    name: 'A file dragged from the explorer into Datasets is one of them, and can be taken off again',
    async play(stage) {
      const { window } = stage;
      const { page } = window;
      const listed = async () => (await window.treeText('Datasets')).some((line) => line.includes('letters.txt'));
      await window.openSideBar();
      await window.until('the datasets', async () => (await window.treeText('Datasets')).length >= 2);
      await window.until('the file among the datasets', async () => {
        await page.mouse.up();
        await page.keyboard.press('Control+Shift+E');
        const file = page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'letters.txt' });
        await file.hover({ timeout: 10_000 });
        await page.mouse.down();
        // The views change when something is held over their icon.
        await dragTo(page, page.locator('.activitybar a[aria-label="Luthier"]'));
        await page.locator('.pane-header[aria-label^="Datasets"]').waitFor({ timeout: 10_000 });
        const list = page.locator('.pane:has(> .pane-header[aria-label^="Datasets"]) .monaco-list');
        await window.until(
          'the list to offer to take it',
          async () => {
            await dragTo(page, window.tree('Datasets').first());
            return (await list.and(page.locator('.drop-target')).or(list.locator('.drop-target')).count()) > 0;
          },
          { patience: 10_000 },
        );
        await page.mouse.up();
        return await window.until('the file', listed, { patience: 10_000 });
      });
      await window.tree('Datasets').filter({ hasText: 'letters.txt' }).click();
      await window.until('its rows', async () =>
        (await window.treeText('Datasets')).some((line) => /40 rows/.test(line)),
      );
      // The one that is selected in the tree is meant.
      await window.command('Luthier: Remove Dataset');
      await window.until('it to be off the list', async () => !(await listed()));
      assert.ok((await readdir(stage.workspace)).includes('letters.txt'), 'the file stays');
    },
  },
];
