import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launch, missing, openWebview, type Webview } from './browser.mjs';

const why = missing();

/** Wrong answers of several parts go back to the data from Try Model. */
describe.skipIf(why !== null)(`corrections${why ? ` (skipped: ${why})` : ''}`, { timeout: 60_000 }, () => {
  let browser: Awaited<ReturnType<typeof launch>>;
  let view: Webview;
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(async () => browser?.close());
  beforeEach(async () => {
    view = await openWebview(browser, { view: 'tryout' });
  });
  afterEach(async () => {
    expect(view.problems).toEqual([]);
    await view.close();
  });

  async function answered(task: string, labels: string[], text: string, answer: object): Promise<void> {
    const tuned = { task, name: 'tuned', labels };
    await view.send({
      type: 'snapshot',
      run: 'r',
      rows: true,
      tuned,
      base: null,
      base_note: null,
      dataset: 'rows.jsonl',
    });
    await view.page.locator('textarea').fill(text);
    await view.page.waitForFunction(() => window.posts.some(({ type }) => type === 'predict'));
    const { id } = (await view.posts()).findLast(({ type }) => type === 'predict')!;
    await view.send({ type: 'predictions', id, tuned: [{ text, ...answer }], base: null, ms: 3 });
    await view.settle();
  }
  const sent = async () => {
    await view.page.getByRole('button', { name: 'Add to Dataset' }).click();
    return (await view.posts()).at(-1);
  };

  test('several labels: what was answered is checked, and what is checked then is added, and taken out again', async () => {
    const scores = { crash: 0.9, praise: 0.2, price: 0.1 };
    await answered('multi_label_classification', Object.keys(scores), 'It closes', { labels: ['crash'], scores });
    const { page } = view;
    await page.getByText('Correct labels').click();
    const boxes = () =>
      page
        .locator('.choices vscode-checkbox')
        .evaluateAll((all) =>
          all
            .filter((box) => (box as HTMLInputElement).checked)
            .map((box) => box.ariaLabel ?? box.getAttribute('label')),
        );
    expect(await boxes()).toEqual(['crash']);
    await page.locator('vscode-checkbox[label="price"]').click();
    await page.getByRole('checkbox', { name: 'crash' }).focus();
    await page.keyboard.press('Space');
    await page.locator('vscode-checkbox[label="praise"]').click();
    expect(await sent()).toMatchObject({
      type: 'addRow',
      text: 'It closes',
      label: '["praise","price"]',
      anyway: false,
    });
    const added = { text: 'It closes', label: '["praise","price"]', dataset: 'rows.jsonl' };
    await view.send({ type: 'added', ...added, file: 'rows.jsonl', line: 7 });
    await view.settle();
    expect(await page.locator('.added').innerText()).toContain('Added to rows.jsonl as praise, price');
    expect(await page.locator('[aria-live="polite"]').innerText()).toBe('Added to rows.jsonl as praise, price');
    await page.getByRole('button', { name: 'Undo' }).click();
    expect((await view.posts()).at(-1)).toMatchObject({ type: 'undoRow', text: 'It closes' });
    await view.send({ type: 'undone', text: 'It closes' });
    await view.settle();
    await page.getByText('Correct labels').click();
    expect(await boxes()).toEqual(['crash']);
  });

  test('tags: each word has one, the answer’s at first, and the sentence goes back as its words', async () => {
    const labels = ['O', 'B-PER', 'I-PER'];
    const entity = { entity_group: 'PER', score: 0.9, word: 'Ada', start: 0, end: 3 };
    await answered('token-classification', labels, 'Ada Byron sings.', { entities: [entity] });
    const { page } = view;
    await page.getByText('Correct tags').click();
    const tags = () =>
      page.locator('.words select').evaluateAll((all) => all.map((one) => (one as HTMLSelectElement).value));
    expect(await tags()).toEqual(['B-PER', 'O', 'O', 'O']);
    await page.getByLabel('Tag of “Byron”').selectOption('I-PER');
    expect(await sent()).toMatchObject({
      ...{ type: 'addRow', text: 'Ada Byron sings.', words: ['Ada', 'Byron', 'sings', '.'] },
      ...{ label: '["B-PER","I-PER","O","O"]', anyway: false },
    });
    const stands = { text: 'Ada Byron sings.', label: '["B-PER","I-PER","O","O"]', dataset: 'rows.jsonl' };
    const rows = [{ file: 'rows.jsonl', line: 3, label: '["B-PER","O","O","O"]' }];
    await view.send({ type: 'stands', ...stands, rows });
    await view.settle();
    expect(await page.locator('.standing').innerText()).toContain(
      'This sentence is already in rows.jsonl, on line 3, with other tags. If you also add these, the model learns both.',
    );
    await page.getByRole('button', { name: 'Add Anyway' }).click();
    expect((await view.posts()).at(-1)).toMatchObject({ words: ['Ada', 'Byron', 'sings', '.'], anyway: true });
  });

  test('a sentence that was picked from the data keeps its own words', async () => {
    await answered('token-classification', ['O', 'B-LOC'], 'x', { entities: [] });
    const row = { text: 'U.S. ( AP)', words: ['U.S.', '(', 'AP)'], label: null, file: 'rows.jsonl', line: 2 };
    await view.send({ type: 'row', ...row });
    await view.page.waitForFunction(() => window.posts.filter(({ type }) => type === 'predict').length > 1);
    const { id } = (await view.posts()).findLast(({ type }) => type === 'predict')!;
    await view.send({ type: 'predictions', id, tuned: [{ text: row.text, entities: [] }], base: null, ms: 3 });
    await view.settle();
    await view.page.getByText('Correct tags').click();
    expect(await sent()).toMatchObject({ words: row.words, label: '["O","O","O"]' });
  });
});
