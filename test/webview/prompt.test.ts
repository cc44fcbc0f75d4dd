import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch, missing, openWebview, type Webview } from './browser.mjs';

const why = missing();
const column = (id: string, remote: string | null = null) => ({ id, name: id, detail: null, remote, problem: null });
const snapshot = {
  ...{ type: 'snapshot', mode: 'try', template: 'file:///reply.prompty', name: 'reply.prompty', blocked: null },
  variables: [
    { name: 'ticket', kind: 'string', description: 'What the customer wrote' },
    { name: 'words', kind: 'number', description: null },
  ],
  ...{ sample: { ticket: 'Where is it?', words: 9 }, hasSample: true, problems: [], dataset: null },
  ...{ columns: [column('one')], subject: 'one', offered: null, options: 'At most 128 tokens' },
};
const compared = { ...snapshot, mode: 'compare', columns: [column('base'), column('tuned', 'models.example')] };
const answer = { tokens: 4, ms: 12, reason: 'end', notes: [], labels: [] };

describe.skipIf(why !== null)(`prompt page${why ? ` (skipped: ${why})` : ''}`, { timeout: 60_000 }, () => {
  let browser: Awaited<ReturnType<typeof launch>>;
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
  });
  async function open(message: object, work: (view: Webview) => Promise<void>) {
    const view = await openWebview(browser, { view: 'prompt' });
    try {
      await view.send(message);
      await view.settle();
      await work(view);
      expect(view.problems).toEqual([]);
    } finally {
      await view.close();
    }
  }
  const asked = async (view: Webview, type: string) =>
    (await view.posts()).filter((post) => post.type === type) as unknown as {
      id: number;
      values: object;
      rows: { id: string; values: object }[];
    }[];

  test('by keyboard alone: typed, run, stopped, run again, kept; a screen reader hears the whole answer', async () => {
    await open(snapshot, async (view) => {
      const { page } = view;
      // The first field has the focus, and what is typed is rendered.
      await page.keyboard.press('Control+A');
      await page.keyboard.type('Is it late?');
      await page.waitForFunction(() => window.posts.filter((post) => post.type === 'render').length > 1);
      expect((await asked(view, 'render')).at(-1)!.values).toEqual({ ticket: 'Is it late?', words: 9 });
      await page.keyboard.press('Control+Enter');
      const [first] = await asked(view, 'run');
      expect(first!.rows).toMatchObject([{ values: { ticket: 'Is it late?' } }]);
      const cell = { id: first!.id, row: 'tried', column: 'one' };
      await view.send({ type: 'part', ...cell, text: '<b>Ye' });
      await view.settle();
      expect(await page.locator('article.answer').getAttribute('aria-busy')).toBe('true');
      expect(await page.locator('[aria-live="polite"]').innerText()).toBe('');
      await page.keyboard.press('Escape');
      expect((await view.posts()).at(-1)).toMatchObject({ type: 'cancel' });
      await view.send({ type: 'ended', id: first!.id, cancelled: true });
      await view.settle();
      expect(await page.locator('article.answer').innerText()).toMatch(/<b>Ye\s*Stopped/);

      await page.keyboard.press('Control+Enter');
      const { id } = (await asked(view, 'run')).at(-1)!;
      await view.send({ type: 'answer', ...cell, id, text: '<b>Yes</b>', ...answer });
      await view.send({ type: 'ended', id, cancelled: false });
      await view.settle();
      // Text, never markup.
      expect(await page.locator('article.answer .text').innerText()).toBe('<b>Yes</b>');
      expect(await page.locator('[aria-live="polite"]').innerText()).toBe('Answer: <b>Yes</b>');
      await page.getByRole('button', { name: 'Keep as Example' }).click();
      expect((await view.posts()).at(-1)).toMatchObject({ type: 'keep', answer: '<b>Yes</b>' });
      await view.send({ type: 'kept', file: 'reply.examples.jsonl', line: 2 });
      await view.settle();
      await page.getByRole('button', { name: 'Undo' }).click();
      expect((await view.posts()).at(-1)).toMatchObject({ type: 'undoKeep' });
    });
  });

  test('a value of the wrong kind is said beside its field, and nothing runs', async () => {
    await open(snapshot, async (view) => {
      const { page } = view;
      await page.locator('vscode-textfield input').fill('many');
      await view.settle();
      expect(await page.getByRole('alert').innerText()).toBe('“many” is not a number.');
      await page.keyboard.press('Control+Enter');
      expect(await asked(view, 'run')).toEqual([]);
    });
  });

  test('an untrusted workspace is said, and nothing is asked for', async () => {
    await open({ ...snapshot, blocked: 'This workspace is not trusted.' }, async (view) => {
      expect(await view.page.getByRole('status').first().innerText()).toContain('This workspace is not trusted.');
      await view.page.keyboard.press('Control+Enter');
      expect((await view.posts()).map(({ type }) => type)).toEqual(['ready']);
      await view.page.getByRole('button', { name: 'Manage Workspace Trust' }).click();
      expect((await view.posts()).at(-1)).toMatchObject({ type: 'follow', way: 'manageTrust' });
    });
  });

  test('answers are compared and voted on with the keys; calls elsewhere are said beforehand', async () => {
    await open(compared, async (view) => {
      const { page } = view;
      const row = { id: 'r2', title: 'tickets.csv, row 2', values: { ticket: 'When?' } };
      await view.send({ type: 'rows', rows: [row] });
      await view.settle();
      const { id: estimate } = (await asked(view, 'estimate')).at(-1)!;
      await view.send({ type: 'estimated', id: estimate, calls: 2, tokens: 31, hosts: ['models.example'] });
      await view.settle();
      expect(await page.locator('.run-line').innerText()).toContain(
        '2 calls with about 31 tokens go to models.example',
      );
      await page.getByRole('button', { name: 'Run 4 Answers' }).click();
      const { id, rows } = (await asked(view, 'run')).at(-1)!;
      expect(rows.map((one) => one.id)).toEqual(['sample', 'r2']);
      for (const one of ['sample', 'r2']) {
        await view.send({ type: 'answer', id, row: one, column: 'base', text: 'It is late.', ...answer });
        await view.send({ type: 'answer', id, row: one, column: 'tuned', text: 'It is not late.', ...answer });
      }
      await view.send({ type: 'ended', id, cancelled: false });
      await view.settle();
      expect(await page.locator('[aria-live="polite"]').innerText()).toBe('All answers are there');
      expect(await page.locator('article.answer mark').allInnerTexts()).toEqual(['not ', 'not ']);
      const choices = page.getByRole('group', { name: 'Which answer is better?' }).first().getByRole('radio');
      await choices.first().focus();
      await page.keyboard.press('Space');
      await page.keyboard.press('ArrowDown');
      await view.settle();
      expect(await choices.nth(1).isChecked()).toBe(true);
      const votes = await page.locator('table.votes').innerText();
      expect(votes).toMatch(/tuned.*1\s+100 %\s+21 – 100 %/s);
      // Each vote is kept at once, and all are cleared once the host has asked.
      expect((await view.posts()).filter(({ type }) => type === 'vote')).toMatchObject([
        { votes: [{ row: 'sample', choice: 'base' }] },
        { votes: [{ row: 'sample', choice: 'tuned' }] },
      ]);
      await page.getByRole('button', { name: 'Clear Votes…' }).click();
      expect((await view.posts()).at(-1)).toMatchObject({ type: 'clearVotes' });
      await view.send({ type: 'votes', votes: [{ row: 'r7', subject: 'other', on: 'x', choice: 'base' }] });
      await view.settle();
      expect(await choices.nth(1).isChecked()).toBe(false);
      const section = page.getByRole('region', { name: 'Votes' });
      expect(await section.innerText()).toContain('1 earlier vote is not counted: on other models, on another text');
    });
  });

  test('each failure leads on by its own buttons', async () => {
    await open(compared, async (view) => {
      const { page } = view;
      await page.locator('.run').click();
      const { id } = (await asked(view, 'run')).at(-1)!;
      const error = (message: string) => ({ code: 'model-not-found', message });
      const ways = (of: number) => [{ way: 'chooseTemplateModel', label: 'Choose Model', of }];
      for (const [of, name] of ['base', 'tuned'].entries())
        await view.send({ type: 'cellFailed', id, row: 'sample', column: name, error: error(name), ways: ways(of) });
      await view.send({ type: 'ended', id, cancelled: false });
      await view.settle();
      for (const i of [0, 1]) {
        await page.getByRole('button', { name: 'Choose Model' }).nth(i).click();
        expect((await view.posts()).at(-1)).toMatchObject({ type: 'follow', way: 'chooseTemplateModel', of: i });
      }
    });
  });

  test('votes and answers are there again after a reload', async () => {
    await open(compared, async (view) => {
      const { page } = view;
      await page.locator('.run').click();
      const { id } = (await asked(view, 'run')).at(-1)!;
      for (const name of ['base', 'tuned'])
        await view.send({ type: 'answer', id, row: 'sample', column: name, text: name, ...answer });
      await view.send({ type: 'ended', id, cancelled: false });
      await view.settle();
      await page.getByRole('radio', { name: 'tuned' }).check();
      const { votes } = (await view.posts()).at(-1) as unknown as { votes: object[] };
      const kept = await page.evaluate(() => sessionStorage.getItem('state'));
      const again = await openWebview(browser, { view: 'prompt', state: JSON.parse(kept!) });
      try {
        await again.send(compared);
        await again.send({ type: 'votes', votes });
        await again.settle();
        expect(await again.page.getByRole('radio', { name: 'tuned' }).isChecked()).toBe(true);
        expect(await again.page.locator('article.answer .text').allInnerTexts()).toEqual(['base', 'tuned']);
      } finally {
        await again.close();
      }
    });
  });
});
