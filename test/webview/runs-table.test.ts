// The built runs table in headless Chromium: what a person does with keys and mouse, and a thousand runs.
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch, missing, openWebview, type Webview } from './browser.mjs';
import { madeRows } from './recording.mjs';

const why = missing();

describe.skipIf(why !== null)(`the runs table${why ? ` (skipped: ${why})` : ''}`, () => {
  let browser: Awaited<ReturnType<typeof launch>>;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });

  const open = async (n: number, options: Partial<Parameters<typeof openWebview>[1]> = {}): Promise<Webview> => {
    const view = await openWebview(browser, { view: 'runs', ...options });
    await view.send({ type: 'snapshot', rows: madeRows(n), broken: [], changeable: true });
    await view.settle();
    return view;
  };
  const column = (view: Webview, nth: number) =>
    view.page.locator(`.runs-table tbody tr:not(.space) td:nth-child(${nth})`).allInnerTexts();
  const last = async (view: Webview) => (await view.posts()).at(-1);
  const closing = async (view: Webview): Promise<void> => {
    expect(view.problems).toEqual([]);
    await view.close();
  };

  test('a heading sorts, and says so; a filter leaves what fits and is kept over a reload', async () => {
    const view = await open(30);
    await view.page.click('th:has-text("Training rows") button');
    const order = () => view.page.getAttribute('th:has-text("Training rows")', 'aria-sort');
    expect(await order()).toBe('descending');
    expect((await column(view, 7))[0]).toBe('1,080');
    await view.page.click('th:has-text("Training rows") button');
    expect(await order()).toBe('ascending');
    expect((await column(view, 7))[0]).toBe('240');
    await view.page.fill('.filters vscode-textfield input', 'minilm lora');
    await view.settle();
    const strategies = await column(view, 6);
    expect(strategies.length).toBeGreaterThan(0);
    expect(new Set(strategies)).toEqual(new Set(['lora']));
    await view.page.reload();
    await view.page.waitForFunction(() => window.posts.some((message) => message.type === 'ready'));
    await view.send({ type: 'snapshot', rows: madeRows(30), broken: [], changeable: true });
    await view.settle();
    expect(await column(view, 6)).toEqual(strategies);
    await view.page.click('text=Clear filter');
    await view.settle();
    expect((await column(view, 6)).length).toBeGreaterThan(strategies.length);
    await closing(view);
  });

  test('keys alone find, choose, compare, tag and open runs', async () => {
    const view = await open(30);
    const { keyboard } = view.page;
    await view.page.focus('.runs-table');
    await keyboard.press('ArrowDown');
    const active = () => view.page.innerText('tr.active .name');
    const second = await active();
    await keyboard.press('Space');
    await keyboard.press('Shift+ArrowDown');
    await keyboard.press('Shift+ArrowDown');
    expect(await view.page.innerText('.runs-header [role="status"]')).toBe('30 runs, 3 selected');
    expect(await view.page.getAttribute('.runs-table', 'aria-activedescendant')).toBe('row-3');
    await view.page.click('vscode-button:has-text("Compare Runs")');
    const { runs } = (await last(view)) as unknown as { runs: string[] };
    expect(await last(view)).toMatchObject({ type: 'compare' });
    expect(runs).toHaveLength(3);
    await view.page.click('vscode-button:has-text("Edit Tags")');
    expect(await last(view)).toEqual({ type: 'tag', runs });
    await view.page.focus('.runs-table');
    await keyboard.press('Escape');
    await keyboard.press('Home');
    await keyboard.press('ArrowDown');
    expect(await active()).toBe(second);
    await keyboard.press('Enter');
    expect(await last(view)).toEqual({ type: 'open', run: runs[0] });
    await closing(view);
  });

  test('a row that works moves without losing the place of the keys; a click opens, and a click with Control selects', async () => {
    const view = await open(20);
    await view.page.focus('.runs-table');
    for (let i = 0; i < 3; i++) await view.page.keyboard.press('ArrowDown');
    const before = await view.page.innerText('tr.active .name');
    const rows = madeRows(20);
    await view.send({
      type: 'changed',
      rows: [{ ...rows[1]!, run: '/new', name: 'the newest', created_at: '2027-01-01T00:00:00Z' }],
      removed: [rows[0]!.run],
    });
    await view.settle();
    expect(await view.page.innerText('tr.active .name')).toBe(before);
    expect((await column(view, 2))[0]).toBe('the newest');
    await view.page.click('tr:has-text("the newest") td:nth-child(3)', { modifiers: ['Control'] });
    await view.page.click('tr:has-text("the newest") td:nth-child(3)');
    expect(await last(view)).toEqual({ type: 'open', run: '/new' });
    expect(await view.page.getAttribute('tr:has-text("the newest")', 'aria-selected')).toBe('true');
    await closing(view);
  });

  test('CSV is what is shown, in numbers that a program reads, in any language', async () => {
    const view = await open(12, { language: 'de' });
    await view.page.click('.chooser summary');
    await view.page.click('.chooser vscode-checkbox[label="learning_rate"]');
    await view.page.keyboard.press('Escape');
    await view.page.click('vscode-button:has-text("Export CSV")');
    const saved = (await last(view)) as unknown as { type: string; csv: string };
    expect(saved.type).toBe('save');
    const records: Record<string, string>[] = parse(saved.csv, { columns: true });
    expect(records).toHaveLength(12);
    const of = records.find(({ name }) => name?.endsWith('· 3'));
    const row = madeRows(12)[2]!;
    expect(of).toMatchObject({ strategy: row.strategy, metric: 'f1_macro', rows: String(row.rows) });
    expect([Number(of?.best), Number(of?.learning_rate)]).toEqual([row.metrics.f1_macro, row.recipe.learning_rate]);
    await closing(view);
  });

  test('the plot follows runs by keys, says each, and opens it', async () => {
    const view = await open(40);
    await view.page.click('.filters .toggle >> text=Plot');
    await view.settle();
    expect(await view.page.getAttribute('.plot', 'aria-label')).toMatch(/^\d+ runs by Model, Strategy, learning_rate/);
    await view.page.focus('.plot');
    await view.page.keyboard.press('ArrowDown');
    const best = await view.page.innerText('.plot-said');
    expect(best).toContain('Macro F1 86.');
    await view.page.keyboard.press('Enter');
    expect(await last(view)).toMatchObject({ type: 'open' });
    await view.page.click('.axis-toggle:has-text("Model")');
    await view.settle();
    expect(await view.page.getAttribute('.plot', 'aria-label')).toMatch(/^\d+ runs by Strategy/);
    await closing(view);
  });

  test('the columns that are shown at first are whole on a page of 1,280 px, the date in short and whole in its title', async () => {
    const view = await open(40, { width: 1280 });
    const { beyond, cut, least } = await view.page.evaluate(() => {
      const scroller = document.querySelector('.scroll')!;
      const isCut = (cell: Element) => cell.scrollWidth > cell.clientWidth;
      // Long names and their tags are cut at any width.
      const cells = [...document.querySelectorAll('.runs-table :is(th, td):not(.name-cell, .check)')];
      return {
        beyond: scroller.scrollWidth - scroller.clientWidth,
        least: Number.parseInt(document.querySelector<HTMLElement>('.runs-table')!.style.minWidth, 10),
        cut: cells.filter(isCut).map(({ textContent }) => textContent?.trim()),
      };
    });
    expect([beyond, cut]).toEqual([0, []]);
    // A name that is cut keeps its end, which tells runs of one data file and model apart.
    const ends = await view.page.evaluate(() =>
      [...document.querySelectorAll('.name')].map((name) => {
        const [start, end] = [...name.children] as [HTMLElement, HTMLElement];
        const isWhole = end.getBoundingClientRect().right <= name.getBoundingClientRect().right + 0.5;
        return { isCut: start.scrollWidth > start.clientWidth, end: isWhole ? end.textContent : null };
      }),
    );
    expect(ends.some(({ isCut }) => isCut)).toBe(true);
    expect(ends.map(({ end }) => end)).toEqual(ends.map((_, at) => ` · ${at + 1}`));
    // Beside a scrollbar of VS Code's.
    expect(least).toBeLessThanOrEqual(1280 - 2 * 20 - 14);
    expect(await view.page.getAttribute('.runs-table tbody tr td:last-child', 'title')).toMatch(/2026/);
    await closing(view);
  });

  test('of a thousand runs a few dozen rows are drawn, wherever somebody scrolls', async () => {
    const view = await open(1000);
    const drawn = () => view.page.locator('.runs-table tbody tr:not(.space)').count();
    expect(await drawn()).toBeLessThan(80);
    await view.page.focus('.runs-table');
    await view.page.keyboard.press('End');
    await view.settle();
    expect(await drawn()).toBeLessThan(80);
    expect(await view.page.innerText('tr.active .name')).toMatch(/· 1000$/);
    expect(await view.page.getAttribute('.runs-table', 'aria-rowcount')).toBe('1001');
    await closing(view);
  });
});
