import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch, missing, openWebview, type Webview } from './browser.mjs';

const snapshot = { type: 'snapshot', run: 'r', name: 'tuned', base: null, dialogue: true };

const why = missing();

describe.skipIf(why !== null)(`chat page${why ? ` (skipped: ${why})` : ''}`, { timeout: 60_000 }, () => {
  let browser: Awaited<ReturnType<typeof launch>>;
  let view: Webview;
  beforeAll(async () => {
    browser = await launch();
    view = await openWebview(browser, { view: 'chat' });
  }, 60_000);
  afterAll(async () => {
    await view?.close();
    await browser?.close();
  });
  const asked = async () =>
    (await view.posts()).filter(({ type }) => type === 'generate') as unknown as { id: number; prompt: unknown }[];

  test('a model that cannot be looked at is tried again by a button, and the log shown where it says more', async () => {
    const error = { code: 'model-not-found', message: 'tuned has no model on disk yet.' };
    await view.send({ type: 'failed', request: 'ready', id: null, error });
    await view.settle();
    expect(await view.page.getByRole('button', { name: 'Show Log' }).count()).toBe(0);
    await view.send({ type: 'failed', request: 'ready', id: null, error: { ...error, logged: true } });
    await view.settle();
    await view.page.getByRole('button', { name: 'Show Log' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'showLog' });
    await view.page.getByRole('button', { name: 'Try Again' }).click();
    expect((await view.posts()).filter(({ type }) => type === 'ready')).toHaveLength(2);
    await view.send(snapshot);
    await view.settle();
    expect(await view.page.locator('.banner').count()).toBe(0);
  });

  test('by keyboard alone: Enter sends, Escape stops, the arrow key edits, and a screen reader hears the whole answer', async () => {
    const { page } = view;
    await view.send(snapshot);
    await view.settle();
    await page.keyboard.type('Hi');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('there');
    await page.keyboard.press('Enter');
    expect(await asked()).toMatchObject([{ prompt: [{ role: 'user', content: 'Hi\nthere' }] }]);
    await view.send({ type: 'part', id: 1, writer: 'tuned', text: 'Hel' });
    await view.settle();
    expect(await page.locator('article.answer').getAttribute('aria-busy')).toBe('true');
    expect(await page.locator('[aria-live="polite"]').innerText()).toBe('');
    await page.keyboard.press('Escape');
    expect((await view.posts()).at(-1)).toMatchObject({ type: 'cancel' });
    await view.send({ type: 'cancelled', id: 1 });
    await view.settle();
    expect(await page.locator('article.answer').innerText()).toContain('Stopped');

    await page.getByLabel('Write the answer again').click();
    expect((await asked()).map(({ id }) => id)).toEqual([1, 2]);
    const end = { tokens: 2, rate: 9, reason: 'end', notes: [] };
    await view.send({ type: 'answer', id: 2, writer: 'tuned', text: '<b>Hello</b>', ...end });
    await view.settle();
    // Text, never markup.
    expect(await page.locator('article.answer .text').innerText()).toBe('<b>Hello</b>');
    expect(await page.locator('[aria-live="polite"]').innerText()).toBe('tuned: <b>Hello</b>');

    await page.locator('.composer textarea').focus();
    await page.keyboard.press('ArrowUp');
    await view.settle();
    expect(await page.locator('.composer textarea').inputValue()).toBe('Hi\nthere');
    expect(await page.locator('.turn').count()).toBe(0);
    expect(view.problems).toEqual([]);
  });

  test('a token that comes does not copy the whole chat, and a page that is hidden has kept what was written', async () => {
    const { page } = view;
    await view.send({ ...snapshot, run: 'other' });
    await view.settle();
    await page.keyboard.type('Tell me more');
    await page.keyboard.press('Enter');
    const { id } = (await asked()).at(-1)!;
    const keptFor = await page.evaluate(async (id) => {
      let kept = 0;
      const { setItem } = Storage.prototype;
      Storage.prototype.setItem = function (...given) {
        kept++;
        setItem.apply(this, given);
      };
      for (let i = 0; i < 200; i++) window.postMessage({ type: 'part', id, writer: 'tuned', text: `word${i} ` }, '*');
      await new Promise((done) => setTimeout(done, 0));
      Storage.prototype.setItem = setItem;
      return kept;
    }, id);
    expect(keptFor).toBeLessThan(20);
    await page.waitForFunction(() => sessionStorage.getItem('state')!.includes('word199'));
    await view.send({ type: 'cancelled', id });
    await view.settle();
    await page.getByLabel('New chat').click();
  });
});
