import assert from 'node:assert/strict';
import { runsOf } from '../workplace.mjs';

/**
 * Only keys: a mouse that is used here fails the test.
 * @param {import('playwright-core').Page} page
 * @param {() => Promise<void>} work
 */
export async function withoutMouse(page, work) {
  await page.evaluate(() => {
    window.mouseUsed = [];
    for (const type of ['mousedown', 'pointerdown', 'click']) {
      document.addEventListener(
        type,
        (event) => event instanceof UIEvent && event.isTrusted && event.detail > 0 && window.mouseUsed.push(type),
        true,
      );
    }
  });
  await work();
  assert.deepEqual(await page.evaluate(() => window.mouseUsed), [], 'the mouse was not used');
}

/** @type {import('../stage.mjs').Scenario[]} */
export const keyboard = [
  {
    name: 'Keyboard only: select, fine-tune, watch, pause, resume, stop, find the run in the tree, try its model',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const { page } = window;
      await withoutMouse(page, async () => {
        await window.openFile('many-rows.csv');
        await page.keyboard.press('Control+A');
        await window.command('Luthier: Fine-tune on Selection');
        // A run that does not end while it is paused, resumed and stopped.
        await window.answerUntilSummary('deep');
        await window.answer('Start fine-tuning');
        // The dashboard has the focus once it is open, so its keys work at once.
        await dashboard.untilStep(3);
        // Pressed again only when nothing came of it: the key that pauses resumes, too.
        await window.until('the page to hear the keys', async () => {
          await page.keyboard.press('p');
          const heard = async () => /paus/i.test(await dashboard.state()) || /Pausing/.test(await dashboard.text());
          return await window.until('an answer', heard, { patience: 15_000 });
        });
        await dashboard.untilState('Paused');
        const at = await dashboard.step();
        await page.keyboard.press('p');
        await dashboard.untilStep(at + 3);
        await page.keyboard.press('2');
        const frame = await dashboard.frame();
        await window.until(
          'the second tab',
          async () => (await frame.locator('#tab-evaluation').getAttribute('aria-selected')) === 'true',
        );
        await page.keyboard.press('s');
        await dashboard.untilState('Stopped');
        const [run] = await runsOf(workspace);
        assert.equal(run.record.state, 'stopped');

        await window.until(
          'the run in the tree, under the keys',
          async () => {
            // A view that is shown for the first time is not yet there to take the focus.
            await window.command('Luthier: Focus on Runs View');
            await page.keyboard.press('End');
            const focused = await page
              .locator(
                '.monaco-list:focus .monaco-list-row.focused, .monaco-list:focus-within .monaco-list-row.focused',
              )
              .allTextContents();
            return focused.some((text) => text.includes('stopped early'));
          },
          { every: 1000 },
        );
        await window.command('Luthier: Try Model');
        const tryout = await window.webview('luthier-tryout');
        // The field has the focus.
        await window.until(
          'the field to take keys',
          async () => {
            const value = () =>
              tryout.evaluate(
                () =>
                  /** @type {HTMLTextAreaElement | null} */ (document.querySelector('vscode-textarea'))?.value ?? '',
              );
            if (!(await value()).includes('lovely')) await page.keyboard.type('the shop was lovely');
            return (await value()).includes('lovely');
          },
          { every: 1000 },
        );
        await window.until('labels', async () =>
          /good/.test(await tryout.locator('.results').innerText({ timeout: 2000 })),
        );
      });
    },
  },
];
