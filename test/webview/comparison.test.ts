// The built page of a comparison in headless Chromium: what keys reach, and what a search's table and plots show.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatMetric, recipeNumber } from '../../src/protocol/index.ts';
import { launch, missing, openWebview, type Webview } from './browser.mjs';
import { failedComparison, recordedComparison } from './recording.mjs';
import { scenes } from './scenes.mjs';

const why = missing();

describe.skipIf(why !== null)(`a comparison’s page${why ? ` (skipped: ${why})` : ''}`, () => {
  let browser: Awaited<ReturnType<typeof launch>>;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });

  const open = async (name: string, width = 1280): Promise<Webview> => {
    const view = await openWebview(browser, { view: 'comparison', width });
    await scenes.find((scene) => scene.name === `${name}-light-wide`)!.play(view);
    await view.settle();
    return view;
  };
  const closing = async (view: Webview): Promise<void> => {
    expect(view.problems).toEqual([]);
    await view.close();
  };
  /** What Tab reaches, by name, in order. */
  const reached = async (view: Webview): Promise<string[]> => {
    const names: string[] = [];
    for (let i = 0; i < 60; i++) {
      await view.page.keyboard.press('Tab');
      const name = await view.page.evaluate(() => {
        const at = document.activeElement;
        if (at === null || at === document.body) return null;
        return at.getAttribute('aria-label') ?? (at.textContent ?? '').trim();
      });
      if (name === null || (names.length > 0 && name === names[0])) break;
      names.push(name);
    }
    return names;
  };

  test('by keyboard alone: the choice is trained, its recipe opened, and each run reached by its name', async () => {
    const { candidates, choice } = recordedComparison('ways-done');
    const measured = candidates.filter(({ run }) => run !== null);
    expect(measured.length).toBeGreaterThan(1);
    const view = await open('comparison-done');
    expect(await reached(view)).toEqual([
      ...['Train This Way', 'Open Recipe', 'Open Its Run'],
      ...measured.map(({ strategy }) => `Open the run of ${strategy}`),
    ]);
    await view.page.getByRole('button', { name: 'Train This Way' }).press('Enter');
    expect((await view.posts()).at(-1)).toEqual({ type: 'train', candidate: choice!.candidate, start: true });
    const { strategy, run } = measured.at(-1)!;
    await view.page.getByRole('button', { name: `Open the run of ${strategy}` }).press('Enter');
    expect((await view.posts()).at(-1)).toEqual({ type: 'openRun', run });
    await closing(view);
  });

  test('of a candidate that failed or came to no result, the run can be opened; of one that has none there is no button', async () => {
    const view = await open('comparison-failed');
    const { candidates } = failedComparison();
    const states = candidates.map(({ state, run }) => [state, run !== null]);
    expect(states).toEqual(
      expect.arrayContaining([
        ['failed', true],
        ['left-out', true],
        ['left-out', false],
      ]),
    );
    const rows = view.page.locator('.candidates tbody tr');
    for (const [at, { strategy, run, reason }] of candidates.entries()) {
      if (reason !== null) expect(await rows.nth(at).innerText()).toContain(reason);
      const button = rows.nth(at).getByRole('button', { name: `Open the run of ${strategy}` });
      expect(await button.count()).toBe(run === null ? 0 : 1);
      if (run === null) continue;
      await button.press('Enter');
      expect((await view.posts()).at(-1)).toEqual({ type: 'openRun', run });
    }
    await closing(view);
  });

  test('of a search the best stands first, with a column for each value that was tried', async () => {
    const view = await open('comparison-search');
    const headings = await view.page.locator('.candidates thead th').allInnerTexts();
    expect(headings.slice(0, 3)).toEqual(['learning_rate', 'per_device_train_batch_size', 'Macro F1']);
    const first = view.page.locator('.candidates tbody tr').first();
    expect(await first.getByRole('img', { name: 'Choice' }).count()).toBe(1);
    const { candidates, choice, metric } = recordedComparison('search-done');
    const { values, result } = candidates[choice!.candidate]!;
    const [rate, batch] = [values!.learning_rate, values!.per_device_train_batch_size].map(Number);
    expect(await first.locator('th, td').allInnerTexts()).toEqual(
      expect.arrayContaining([
        expect.stringContaining(recipeNumber(rate!)),
        ...[`${batch}`, formatMetric(metric, result!.value)],
      ]),
    );
    const { value } = result!;
    expect(Math.max(...candidates.map((one) => one.result!.value))).toBe(value);
    // The reason does not repeat what its heading says.
    const [heading, reason] = [view.page.locator('.choice h2'), view.page.locator('.choice h2 + p')];
    expect(await reason.innerText()).not.toContain((await heading.innerText()).trim());
    await closing(view);
  });

  test('a plot for each value, which says its figures and fits the page', async () => {
    for (const width of [1280, 420]) {
      const view = await open('comparison-search', width);
      const plots = view.page.locator('svg.quality');
      expect(await plots.count()).toBe(2);
      for (const plot of await plots.all()) {
        expect(await plot.getAttribute('aria-label')).toMatch(/^Macro F1 against \w+ of \d+ candidates\. \d/);
        const { left, right, inner } = await plot.evaluate((svg) => {
          const texts = [...svg.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
          const box = svg.getBoundingClientRect();
          return {
            left: Math.min(...texts.map((text) => text.left)) - box.left,
            right: box.right - Math.max(...texts.map((text) => text.right)),
            inner: document.documentElement.clientWidth - box.right,
          };
        });
        expect(Math.min(left, right, inner)).toBeGreaterThanOrEqual(0);
      }
      await closing(view);
    }
  });
});
