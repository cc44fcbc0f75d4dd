// The built webviews in headless Chromium: what a person does with keys and mouse, and what outlives a reload.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DashboardMessage } from '../../src/protocol/dashboard-page.ts';
import type { DataProblem } from '../../src/protocol/data.ts';
import type { DatasetMessage } from '../../src/protocol/dataset-page.ts';
import type { ClassificationReport } from '../../src/protocol/evaluation.ts';
import { inFewerBits } from '../../src/protocol/fewer-bits.ts';
import type { Change, Finding, FindingCode } from '../../src/protocol/findings.ts';
import type { TryoutMessage } from '../../src/protocol/tryout-page.ts';
import { launch, missing, openWebview, type Webview } from './browser.mjs';
import {
  cellRows,
  madeFilesRun,
  madeFolds,
  madeLabelsRun,
  madeRun,
  madeTagRun,
  madeValuesRun,
  type RecordedRun,
} from './recording.mjs';

const why = missing();
const snapshot = (...runs: RecordedRun[]) => ({ type: 'snapshot', runs, focus: runs[0]!.record.id });
const running = (more: object = {}) => madeRun({ total: 900, done: 300, state: 'running', ...more });
const step = (n: number) => ({
  event: 'step',
  time: 1_780_000_000 + n,
  step: n,
  epoch: n / 300,
  loss: 0.5,
  learning_rate: 1e-5,
  grad_norm: 1,
  tokens_per_second: 4000,
  step_ms: 300,
  rss_bytes: 1e9,
  eta_s: 60,
});

describe.skipIf(why !== null)(`webviews${why ? ` (skipped: ${why})` : ''}`, () => {
  let browser: Awaited<ReturnType<typeof launch>>;
  const opened: Webview[] = [];
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });

  const open = async (options: Partial<Parameters<typeof openWebview>[1]> = {}): Promise<Webview> => {
    const view = await openWebview(browser, { view: 'dashboard', ...options });
    opened.push(view);
    return view;
  };
  const text = (view: Webview, selector: string) => view.page.locator(selector).first().innerText();
  const closing = async (view: Webview): Promise<void> => {
    // Nothing was blocked by the policy and nothing threw, whatever the test did.
    expect(view.problems).toEqual([]);
    await view.close();
  };

  test('steps move progress, tiles and charts as they arrive', async () => {
    const view = await open();
    await view.send(snapshot(running()));
    await view.settle();
    expect(await text(view, '.progress-text')).toContain('Step 300 of 900');
    await view.send({ type: 'events', run: 'run-1', events: [step(301), step(302)] });
    await view.settle();
    expect(await text(view, '.progress-text')).toContain('Step 302 of 900 · epoch 1.01 · 1 min left');
    // With the last step no time is left, though not all is done.
    await view.send({ type: 'events', run: 'run-1', events: [{ ...step(900), eta_s: null }] });
    await view.settle();
    expect(await text(view, '.progress-text')).toContain('Step 900 of 900 · epoch 3 · evaluating, then saving');
    expect(await text(view, '.progress-text')).not.toContain('left');
    expect(await view.page.locator('luthier-chart canvas').count()).toBeGreaterThan(0);
    await closing(view);
  });

  test('a cross-validation: progress counts all folds, charts are those of the fold at work, folds have a table', async () => {
    const view = await open();
    await view.send(snapshot(madeFolds()));
    await view.settle();
    expect(await text(view, '.progress-text')).toContain('Fold 3 of 5 · Step 780 of 1,875');
    expect(await text(view, '.stage')).toBe('Charts of fold 3 of 5');
    expect(await view.page.getByRole('button', { name: 'Stop and Keep Folds' }).count()).toBe(1);
    const begin = madeFolds().events.find(({ event }) => event === 'start')!;
    const fourth = [
      { ...begin, fold: 4, of_run: { before: 900, total: 1875 } },
      { ...step(1), fold: 4 },
    ];
    await view.send({ type: 'events', run: 'run-1', events: fourth });
    await view.settle();
    expect(await text(view, '.progress-text')).toContain('Fold 4 of 5 · Step 901 of 1,875');
    expect(await text(view, '.stage')).toBe('Charts of fold 4 of 5');
    // Behind the last step a fold is measured, and the model of all rows, which none are held out of, is written.
    await view.send({ type: 'events', run: 'run-1', events: [{ ...step(300), fold: 4, eta_s: null }] });
    await view.settle();
    expect(await text(view, '.progress-text')).toMatch(/ · evaluating( ·|$)/);
    const last = { ...begin, fold: undefined, num_validation_rows: 0, of_run: { before: 1500, total: 1875 } };
    const final = [
      { ...last, total_steps: 375 },
      { ...step(375), eta_s: null },
    ];
    await view.send({ type: 'events', run: 'run-1', events: final });
    await view.settle();
    expect(await text(view, '.progress-text')).toMatch(/^Model of all rows · Step 1,875 of 1,875 .* · saving( ·|$)/);
    await view.send({ type: 'events', run: 'run-1', events: fourth });
    await view.page.click('#tab-evaluation');
    await view.settle();
    expect(await text(view, '.area-folds')).toContain('2 of 5 folds finished, fold 4 of 5 in training');
    expect(await view.page.locator('table.folds tbody tr').count()).toBe(2);
    expect(await view.page.locator('table.folds tfoot th').allInnerTexts()).toEqual(['Mean', 'Spread (±)']);
    await view.send(snapshot(madeFolds({ state: 'done' })));
    await view.settle();
    expect(await view.page.locator('table.folds tbody tr').count()).toBe(5);
    await view.page.click('#tab-charts');
    await view.settle();
    expect(await text(view, '.stage')).toBe('Charts of the model of all rows');
    await closing(view);
  });

  test('an ended run says what it found; a press asks for the change of a recipe, and shows rows in the page', async () => {
    const view = await open({ height: 500 });
    const finding = (code: FindingCode, change: Change): Finding => ({
      severity: 'warning',
      ...{ code, title: `Title of ${code}`, text: 'What was seen.', figures: {}, change },
    });
    const findings = [
      finding('still-falling', { kind: 'recipe', title: 'Train 3 More Epochs', set: { num_train_epochs: 6 } }),
      finding('doubtful-labels', { kind: 'rows', title: 'Show the Rows' }),
      // Of a newer version.
      { ...finding('few-held-out', { kind: 'folds', title: 'Later' }), code: 'later' } as never,
    ];
    const run = running();
    await view.send(snapshot({ ...run, record: { ...run.record, findings } }));
    await view.settle();
    expect(await view.page.locator('.finding').count()).toBe(0);
    const ended = madeRun();
    await view.send(snapshot({ ...ended, record: { ...ended.record, findings } }));
    await view.settle();
    expect(await view.page.locator('.finding h3').allInnerTexts()).toEqual([
      'Title of still-falling',
      'Title of doubtful-labels',
    ]);
    await view.page.locator('vscode-button', { hasText: 'Train 3 More Epochs' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'change', run: 'run-1', finding: 'still-falling' });
    await view.page.locator('vscode-button', { hasText: 'Show the Rows' }).click();
    await view.settle();
    expect(await view.page.locator('#tab-evaluation').getAttribute('aria-selected')).toBe('true');
    await view.page.waitForFunction(() => document.activeElement?.classList.contains('area-worst'));
    // What may not be changed is not offered; looking always is.
    await view.send(snapshot({ ...ended, record: { ...ended.record, findings }, read_only: 'From a newer version.' }));
    await view.settle();
    expect(await view.page.locator('.finding vscode-button').allInnerTexts()).toEqual(['Show the Rows']);
    await closing(view);
  });

  test('a run whose figures are computed in fewer bits says so from its start on, and at its end how its model is measured', async () => {
    const view = await open({ height: 500 });
    const findings = [inFewerBits(8)];
    const run = running();
    await view.send(snapshot({ ...run, record: { ...run.record, findings } }));
    await view.settle();
    expect(await text(view, '.finding h3')).toBe('Measured with layers in 8 bits');
    expect(await text(view, '.finding p')).toContain('the model that is written is in float');
    expect(await view.page.locator('.finding vscode-button').count()).toBe(0);
    const ended = madeRun();
    await view.send(snapshot({ ...ended, record: { ...ended.record, findings } }));
    await view.settle();
    await view.page.locator('.finding vscode-button', { hasText: 'Evaluate on File…' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'change', run: 'run-1', finding: 'fewer-bits' });
    // Folds leave no model, and one that may not be changed keeps no evaluation.
    for (const more of [{ model_folder: null }, { read_only: 'From a newer version.' }]) {
      await view.send(snapshot({ ...ended, record: { ...ended.record, findings }, ...more }));
      await view.settle();
      expect(await view.page.locator('.finding').count()).toBe(1);
      expect(await view.page.locator('.finding vscode-button').count()).toBe(0);
    }
    await closing(view);
  });

  test('a run that opens before its first step is drawn once it steps', async () => {
    const view = await open();
    const run = running({ done: 0 });
    await view.send(snapshot({ ...run, events: run.events.filter(({ event }) => event === 'start') }));
    await view.settle();
    expect(await text(view, '.plot .empty')).toContain('first step');
    await view.send({ type: 'events', run: 'run-1', events: [step(1), step(2), step(3)] });
    await view.settle();
    await view.page.waitForFunction(() => !document.querySelector('.plot .empty')?.textContent?.includes('first step'));
    // The empty text went; the canvas beside it did not.
    expect(await view.page.locator('luthier-chart').first().locator('canvas').count()).toBe(1);
    await closing(view);
  });

  test('zoom, smoothing and hidden lines survive new steps and a reload; Escape shows all again', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await view.send(snapshot(running()));
    await view.settle();
    const plot = (await page.locator('.u-over').first().boundingBox())!;
    await page.mouse.move(plot.x + plot.width * 0.25, plot.y + 50);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.75, plot.y + 50, { steps: 5 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Validation' }).first().click();
    await page.locator('input[type=range]').fill('0.5');
    await view.send({ type: 'events', run: 'run-1', events: [step(301)] });
    await page.waitForFunction(() => {
      const { view } = JSON.parse(sessionStorage.getItem('state') ?? '{}');
      return view?.smoothing === 0.5 && view.hidden.length === 1 && view.zoom !== null;
    });
    const kept = await page.evaluate(() => JSON.parse(sessionStorage.getItem('state')!));
    expect(kept).toMatchObject({ version: 1, runs: ['run-1'], view: { smoothing: 0.5, hidden: ['loss/validation'] } });
    expect(kept.view.zoom.min).toBeGreaterThan(60);
    expect(kept.view.zoom.max).toBeLessThan(240);

    await page.reload();
    await view.send(snapshot(running()));
    await view.settle();
    expect(await page.locator('input[type=range]').inputValue()).toBe('0.5');
    expect(await page.getByRole('button', { name: 'Validation' }).first().getAttribute('aria-pressed')).toBe('false');
    expect(await page.getByRole('button', { name: 'Reset Zoom' }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await view.settle();
    expect(await page.getByRole('button', { name: 'Reset Zoom' }).count()).toBe(0);
    await closing(view);
  });

  test('a button asks once and waits for the answer; keys do the same', async () => {
    const view = await open();
    await view.send(snapshot(running()));
    await view.settle();
    await view.page.keyboard.press('p');
    await view.settle();
    await view.page.keyboard.press('p');
    expect((await view.posts()).filter((post) => post.type === 'action')).toEqual([
      { type: 'action', action: 'pause', run: 'run-1' },
    ]);
    expect(await text(view, '.actions')).toContain('Pausing after this step…');
    await view.send({ type: 'events', run: 'run-1', events: [{ event: 'state', time: 1, state: 'paused' }] });
    await view.settle();
    expect(await text(view, '.pill')).toContain('Paused');
    await view.page.getByRole('button', { name: 'Resume' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'action', action: 'resume', run: 'run-1' });
    const error = { code: 'run-busy', message: 'The run does not answer.', hint: 'Wait for the step to end.' };
    await view.send({ type: 'failed', request: 'resume', run: 'run-1', error });
    await view.settle();
    expect(await text(view, '.banner-error')).toBe('The run does not answer. Wait for the step to end.');
    await view.page.getByRole('button', { name: 'Dismiss' }).click();
    await view.settle();
    expect(await view.page.locator('.banner-error').count()).toBe(0);
    await closing(view);
  });

  test('a run that was not discarded after all can be paused again', async () => {
    const view = await open();
    await view.send(snapshot(running()));
    await view.settle();
    const actions = async () => (await view.posts()).flatMap((post) => (post.type === 'action' ? [post.action] : []));
    await view.page.getByRole('button', { name: 'Discard…' }).click();
    await view.settle();
    // The dialog still asks.
    expect(await text(view, '.actions')).toContain('Discard…');
    await view.page.keyboard.press('p');
    expect(await actions()).toEqual(['cancel']);
    await view.send({ type: 'acted', action: 'cancel', run: 'run-1', outcome: 'cancelled' });
    await view.settle();
    expect(await text(view, '.actions')).toContain('Discard…');
    await view.page.keyboard.press('p');
    expect(await actions()).toEqual(['cancel', 'pause']);
    await view.send({ type: 'acted', action: 'pause', run: 'run-1', outcome: 'failed' });
    await view.settle();
    // What the person chooses there is what is under way.
    for (const [action, words] of [
      ['cancel', 'Discarding…'],
      ['stop', 'Stopping after this step…'],
    ] as const) {
      await view.page.getByRole('button', { name: 'Discard…' }).click();
      await view.send({ type: 'ending', action, run: 'run-1' });
      await view.settle();
      expect(await text(view, '.actions')).toContain(words);
      await view.send({ type: 'acted', action: 'cancel', run: 'run-1', outcome: 'failed' });
      await view.settle();
      expect(await text(view, '.actions')).not.toContain(words);
    }
    await closing(view);
  });

  test('the confusion matrix opens a cell’s rows from the keyboard, and a row opens its file', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await view.send(snapshot(madeRun()));
    await view.settle();
    await page.keyboard.press('2');
    await page.locator('td[role=gridcell][tabindex="0"]').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    const request = (await view.posts()).at(-1)!;
    expect(request).toEqual({
      type: 'cell',
      run: 'run-1',
      split: 'validation',
      actual: 'account',
      predicted: 'billing',
    });
    const answer = cellRows(request) as Extract<DashboardMessage, { type: 'cell' }>;
    const [row, ...others] = answer.rows;
    await view.send({ ...answer, rows: [{ ...row!, text_pair: 'The second text of a pair.' }, ...others] });
    await view.settle();
    expect(await page.locator('.cell-rows td.text .second').allInnerTexts()).toEqual(['The second text of a pair.']);
    await page
      .getByRole('region', { name: 'account predicted as billing' })
      .getByRole('button', { name: /line 12$/ })
      .click();
    expect((await view.posts()).at(-1)).toEqual({
      type: 'openRow',
      run: 'run-1',
      file: 'examples/tickets.csv',
      line: 12,
    });
    await closing(view);
  });

  test('every column of a confusion matrix is seen beside the tables, and all have one width', async () => {
    // What VS Code leaves of 1440 px beside its side bar.
    const view = await open({ width: 1090 });
    await view.send(snapshot(madeRun()));
    await view.settle();
    await view.page.keyboard.press('2');
    await view.settle();
    const [seen, table, ...columns] = await view.page.locator('.matrix').evaluate((matrix) => {
      const width = (element: Element) => Math.round(element.getBoundingClientRect().width);
      return [matrix.parentElement!, matrix, ...matrix.querySelectorAll('thead th:not(.recall)')].map(width);
    });
    expect(columns.length).toBeGreaterThanOrEqual(6);
    expect(table).toBeLessThanOrEqual(seen!);
    expect(Math.max(...columns) - Math.min(...columns)).toBeLessThanOrEqual(1);
    await closing(view);
  });

  test('what is chosen from has a name for screen readers', async () => {
    const view = await open();
    await view.send(snapshot(madeRun()));
    await view.settle();
    expect(await view.page.getByRole('combobox', { name: 'Axis' }).count()).toBe(1);
    expect(await view.page.getByRole('button', { name: 'Logarithmic axis of Loss' }).count()).toBe(1);
    await view.page.keyboard.press('2');
    await view.settle();
    const named = await view.page.getByRole('combobox', { name: 'Measured on' }).count();
    expect(named).toBe(await view.page.getByRole('combobox').count());
    await closing(view);
  });

  test('what is typed into has a name for screen readers, not its example alone', async () => {
    const chat = await open({ view: 'chat' });
    await chat.send({ type: 'snapshot', run: 'r', name: 'tuned', base: 'base', dialogue: true });
    await chat.page.locator('.settings summary').click();
    for (const name of ['System text', 'New tokens at most', 'Temperature', 'Seed', 'Message'])
      expect([name, await chat.page.getByRole('textbox', { name, exact: true }).count()]).toEqual([name, 1]);
    await closing(chat);
    const tryout = await open({ view: 'tryout' });
    const tuned = { task: 'text-classification', name: 'tuned', labels: ['a', 'b'] };
    await tryout.send({ type: 'snapshot', run: 'r', rows: true, tuned, base: null, base_note: null, dataset: null });
    await tryout.settle();
    expect(await tryout.page.getByRole('textbox', { name: 'Texts, one per line', exact: true }).count()).toBe(1);
    await closing(tryout);
  });

  test('the rows of a cell are scrolled to and take the focus; Escape gives it back', async () => {
    const view = await open({ height: 500 });
    const { page } = view;
    await view.send(snapshot(madeRun()));
    await view.settle();
    await page.keyboard.press('2');
    await page.locator('td.cell.wrong:not(.shade-0)').first().click();
    const request = (await view.posts()).findLast((post) => post.type === 'cell')!;
    await view.settle();
    await view.send(cellRows(request));
    await view.settle();
    const rows = page.locator('.cell-rows');
    expect(await rows.evaluate((region: HTMLElement) => region.contains(document.activeElement))).toBe(true);
    const box = (await rows.boundingBox())!;
    expect(box.y).toBeGreaterThan(0);
    expect(box.y + box.height).toBeLessThanOrEqual(500);
    await page.keyboard.press('Escape');
    await view.settle();
    expect(await rows.count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('gridcell');
    await closing(view);
  });

  test('few rows say little, and what is not known is a dash', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    const run = madeRun({ classes: 2 });
    const report = run.reports[0] as ClassificationReport;
    const few = {
      ...report,
      n: 4,
      intervals: { ...report!.intervals, accuracy: { low: 0.51, high: 1 }, f1_macro: null, mcc: null },
      per_class: [report!.per_class[0]!, { label: 'billing', precision: null, recall: null, f1: null, support: 0 }],
    };
    await view.send(snapshot({ ...run, reports: [few] }));
    await view.settle();
    expect(await text(view, '.tile .detail')).toBe('4 rows held out: this says little');
    await page.keyboard.press('2');
    await view.settle();
    expect(await text(view, '.few')).toContain('4 rows held out: this says little.');
    const metrics = await page.locator('table.metrics tbody tr').allInnerTexts();
    expect(metrics.find((row: string) => row.startsWith('Accuracy'))).toContain('51.0 – 100.0 %');
    expect(metrics.find((row: string) => row.startsWith('Macro F1'))).toContain('too few rows');
    expect(await page.locator('table.classes tbody tr').last().innerText()).toBe('billing\t–\t–\t–\t0');
    await closing(view);
  });

  test('what suggestions would have saved stands beside the untouched model’s; where it was not measured, a button measures it', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    const run = madeFilesRun();
    await view.send(snapshot({ ...run, completions: null }));
    await view.settle();
    await page.click('#tab-evaluation');
    await view.settle();
    await page.locator('vscode-button').filter({ hasText: 'Measure Completions' }).click();
    expect(await view.posts()).toContainEqual({ type: 'action', action: 'measureCompletions', run: 'run-1' });
    const { reports, evaluations, report_problems, completions } = run;
    await view.send({ type: 'reports', run: 'run-1', reports, evaluations, report_problems, completions });
    await view.settle();
    const said = (await text(view, 'section.completions')).replace(/\s+/g, ' ');
    expect(said).toContain(
      'Typing 60 lines of 12 test files again, accepted suggestions would have saved 534 of 2,817 characters. With its base model untouched, 118.',
    );
    expect(said).toMatch(/This model 19\.0 % .*14\.2 – 23\.8 % · 74 of 388 suggestions accepted/);
    expect(said).toMatch(/Base model 4\.2 %/);
    expect(said).toContain('14 test files 2.41 1.62 0.610 – 0.970');
    expect(said).toContain('9 accepted completions 2.34 1.23 0.500 – 1.60');
    // What it has lost is said on the same page.
    expect(await text(view, '#panel')).toContain('It has forgotten much of what the base model knew');
    await closing(view);
  });

  test('several labels: threshold, scores of each label with its interval, what was missed and what was too much', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await view.send(snapshot(madeLabelsRun()));
    await view.settle();
    await page.click('#tab-evaluation');
    await view.settle();
    expect(await page.locator('table.classes tbody tr').first().innerText()).toBe(
      'delivery\t91.2 %\t88.0 %\t89.6 %\t83.6 – 95.6 %\t92',
    );
    expect(await page.locator('table.classes tbody tr').nth(1).innerText()).toBe('packaging\t–\t–\t–\t–\t0');
    expect(await page.locator('#panel').innerText()).toContain(
      'A label is predicted if its probability is at least 41.2 %, chosen on these rows',
    );
    const row = page.locator('table.rows tbody tr').first();
    expect(await row.locator('td').allInnerTexts()).toEqual([
      '30',
      expect.stringContaining('right: delivery'),
      'quality, support',
      'price',
      '1.93',
    ]);
    await row.getByRole('button').click();
    expect((await view.posts()).at(-1)).toMatchObject({ type: 'openRow', file: 'examples/feedback.jsonl', line: 30 });
    await closing(view);
  });

  test('numbers: a point for each row, the mean’s error, and the rows that are furthest off', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await view.send(snapshot(madeValuesRun()));
    await view.settle();
    await page.click('#tab-evaluation');
    await view.settle();
    expect(await page.locator('svg.scatter circle').count()).toBe(240);
    expect(await page.locator('#panel').innerText()).toContain(
      'Always answering the mean (2.61) has a mean squared error of 2.34.',
    );
    expect(await page.locator('table.metrics tbody tr').first().innerText()).toContain('0.861');
    expect(await page.locator('table.rows tbody tr').first().innerText()).toContain('1.86');
    await closing(view);
  });

  test('a token classifier: types, mistakes and sentences with their spans; a line opens its file', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await view.send(snapshot(madeTagRun()));
    await view.settle();
    await page.click('#tab-evaluation');
    await view.settle();
    expect(await page.locator('table.metrics tbody tr').nth(1).innerText()).toContain('86.3 – 90.5 %');
    expect(await page.locator('table.classes tbody tr').nth(1).innerText()).toBe('MISC\t0.0 %\t–\t–\t0');
    const sentence = page.locator('table.rows tbody tr').first();
    expect(await sentence.locator('mark.span').allInnerTexts()).toEqual([
      'Hana Costa PER',
      'Orbit Labs ORG',
      'New York LOC',
      'Hana Costa PER',
      'Orbit ORG',
      'New York LOC',
    ]);
    expect(await text(view, '#panel h2')).toBe('Validation, 240 sentences');
    expect(await sentence.locator('mark.wrong').allInnerTexts()).toEqual(['Orbit Labs ORG', 'Orbit ORG']);
    await sentence.getByRole('button').click();
    expect((await view.posts()).at(-1)).toMatchObject({ type: 'openRow', file: 'examples/names.conll', line: 88 });
    await view.send(snapshot(madeTagRun({ none: true })));
    await view.settle();
    expect(await page.locator('#panel').innerText()).toContain('No sentence has an error.');
    await closing(view);
  });

  test('an evaluation on a file opens beside the run’s own, and its cells are asked for by its name', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    const run = madeRun();
    await view.send(snapshot(run));
    await view.settle();
    const evaluation = {
      format: 1,
      name: 'march',
      title: 'march.csv',
      file: '/data/march.csv',
      evaluated_at: '2026-03-01T10:00:00Z',
      report: { ...run.reports[0]!, split: 'test', n: 120 },
    };
    await view.send({
      type: 'reports',
      run: 'run-1',
      reports: run.reports,
      evaluations: [evaluation],
      report_problems: ['old.json cannot be read: it is cut off.'],
      completions: null,
    });
    await view.send({ type: 'showEvaluation', run: 'run-1', name: 'march' });
    await view.settle();
    expect(await text(view, '#panel h2')).toBe('march.csv, 120 rows');
    expect(await text(view, '#panel .banner')).toBe('old.json cannot be read: it is cut off.');
    await page.locator('td.cell.wrong:not(.shade-0)').first().click();
    expect((await view.posts()).findLast((post) => post.type === 'cell')).toMatchObject({
      split: 'test',
      evaluation: 'march',
    });
    await page
      .locator('vscode-single-select')
      .first()
      .evaluate((select: HTMLElement & { value: string }) => {
        select.value = 'validation';
        select.dispatchEvent(new Event('change'));
      });
    await view.settle();
    expect(await text(view, '#panel h2')).toMatch(/^Validation, \d+ rows$/);
    await closing(view);
  });

  test('compared runs: metrics with rows and intervals, and on request their answers row by row', async () => {
    const view = await open({ height: 1800 });
    const { page } = view;
    await view.send(snapshot(madeRun({ id: 'a', name: 'first' }), madeRun({ id: 'b', name: 'second', seed: 2 })));
    await view.settle();
    expect((await page.locator('luthier-chart').first().locator('.entry-name').allInnerTexts()).sort()).toEqual([
      'first',
      'second',
    ]);
    await page.keyboard.press('2');
    await view.settle();
    const compared = page.locator('table.compared');
    expect(await compared.locator('tbody tr').first().innerText()).toMatch(/^Rows\t\d+\t\d+$/);
    expect(await compared.locator('tbody tr', { hasText: 'Accuracy' }).innerText()).toMatch(
      /^Accuracy\t\d+\.\d %\s\d+\.\d – \d+\.\d %\s+\d/,
    );
    await page.getByRole('button', { name: 'Compare Row by Row' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'compareRows', first: 'a', second: 'b' });
    await view.settle();
    expect(await text(view, '.pair')).toBe('Predicting the rows with both models…');
    const answer = (comparison: object | null, problem: string | null = null) =>
      view.send({ type: 'comparison', first: 'a', second: 'b', comparison, problem });
    const row = { line: 12, file: 'x.csv', text: 'Where?', label: 'billing', first: 'billing', second: 'refund' };
    await answer({
      n: [40, 40],
      shared: 40,
      outcome: { both: 20, neither: 4, only_first: 14, only_second: 2, rows: [row] },
    });
    await view.settle();
    expect(await text(view, '.pair')).toMatch(
      /^Both were measured on the same 40 rows\. first is better \(McNemar’s exact test: p.=.0\.0042\)\.$/,
    );
    expect(await page.locator('table.outcome tr').allInnerTexts()).toEqual([
      'Both right\t20',
      'Only first right\t14',
      'Only second right\t2',
      'Both wrong\t4',
    ]);
    await page.getByRole('button', { name: 'Open x.csv at line 12' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'openRow', run: 'a', file: 'x.csv', line: 12 });
    await answer({ n: [40, 4], shared: 0, outcome: null });
    await view.settle();
    expect(await text(view, '.pair')).toContain(
      'They were measured on different rows: 40 and 4, none of them in both.',
    );
    await answer(null, 'second has no model yet.');
    await view.settle();
    expect(await text(view, '.pair')).toBe('They cannot be compared row by row: second has no model yet.');
    await closing(view);
  });

  test('a finished run’s model is used by three lines; JavaScript’s need it as ONNX', async () => {
    const view = await open();
    const { page } = view;
    await view.send(snapshot(madeRun()));
    await view.settle();
    await page.locator('.use summary').click();
    expect(await text(view, '.snippet pre')).toContain('model="/home/ada/shop/.luthier/runs/tickets-1/model"');
    expect(await page.locator('.snippet pre').count()).toBe(1);
    await page.getByRole('button', { name: 'Export as ONNX' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'action', action: 'exportOnnx', run: 'run-1' });
    const { record, model_folder } = madeRun();
    await view.send({ type: 'record', record, queue_position: null, model_folder, has_onnx: true });
    await view.send({ type: 'acted', action: 'exportOnnx', run: 'run-1', outcome: 'done' });
    await view.settle();
    expect(await page.locator('.snippet pre').last().innerText()).toContain(
      "localModelPath: '/home/ada/shop/.luthier/runs/tickets-1'",
    );
    await closing(view);
  });

  test('malformed messages are dropped and logged, and the page goes on', async () => {
    const view = await open();
    await view.send(snapshot(running()));
    for (const odd of [0, 5, {}, { type: 'snapshot' }, { type: 'events', run: 'run-1', events: 'all' }])
      await view.send(odd);
    await view.send({ type: 'events', run: 'run-1', events: [{ ...step(301), loss: 'NaN' }, step(302)] });
    await view.settle();
    expect(await text(view, '.progress-text')).toContain('Step 302 of 900');
    const logged = (await view.posts()).filter((post) => post.type === 'log').map((post) => post.message);
    expect(logged).toHaveLength(6);
    expect(logged[3]).toBe('Dropped a message to the view: message.runs is missing, not an array');
    expect(logged[5]).toBe('Dropped an event of a run: message.loss is not a finite number');
    await closing(view);
  });

  test('a run that a newer version wrote is shown read-only, its unknown state by its name', async () => {
    const view = await open();
    const run = running({ read_only: 'This run was written by a newer version of Luthier.' });
    await view.send(snapshot({ ...run, record: { ...run.record, state: 'dreaming' as 'running' } }));
    await view.settle();
    expect(await text(view, '.pill')).toBe('dreaming');
    expect(await text(view, '.banner')).toBe('This run was written by a newer version of Luthier.');
    const buttons = view.page.getByRole('toolbar', { name: 'Run' }).locator('vscode-button');
    expect(await buttons.allInnerTexts()).toEqual(['Compare…']);
    await closing(view);
  });

  test('a comparison says what differs, hides a run and lets one go', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await view.send(
      snapshot(
        madeRun({ id: 'a', name: 'first' }),
        madeRun({ id: 'b', name: 'second', seed: 2, recipe: { learning_rate: 5e-5 } }),
      ),
    );
    await view.settle();
    await page.getByRole('button', { name: 'Show second in the charts' }).click();
    await page.getByRole('button', { name: 'Remove second from the comparison' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'removeRun', run: 'b' });
    await page.getByRole('tab', { name: 'Recipe' }).click();
    await view.settle();
    expect(await page.locator('table.recipe').first().locator('tbody tr').allInnerTexts()).toEqual([
      'learning_rate\t2e-5\t5e-5',
    ]);
    await closing(view);
  });

  test('a chart is read, zoomed and left with keys, and tells its summary', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await view.send(snapshot(running()));
    await view.settle();
    const plot = page.locator('.plot').first();
    await plot.focus();
    expect(await plot.getAttribute('aria-label')).toMatch(
      /^Loss\. Training: 300 points from .*, lowest .* at step \d+\./,
    );
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await view.settle();
    expect(await page.locator('[role=status][aria-live=polite]').last().innerText()).toMatch(
      /^step 299: Training 0\.\d+/,
    );
    await page.keyboard.press('+');
    await view.settle();
    expect(await page.getByRole('button', { name: 'Reset Zoom' }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await view.settle();
    expect(await page.getByRole('button', { name: 'Reset Zoom' }).count()).toBe(0);
    await closing(view);
  });

  test('a chart’s data and picture reach the clipboard, or the host where the page may not', async () => {
    const view = await open({ height: 1400 });
    const { page } = view;
    await page.evaluate(() => {
      const refuse = () => Promise.reject(new Error('not allowed'));
      Object.defineProperty(navigator, 'clipboard', { value: { writeText: refuse, write: refuse } });
    });
    await view.send(snapshot(running()));
    await view.settle();
    await page.getByRole('button', { name: 'Copy data of Loss as CSV' }).click();
    await page.getByRole('button', { name: 'Copy Loss as picture' }).click();
    await page.waitForFunction(() => window.posts.some((post) => post.type === 'savePicture'));
    const signature = await page.evaluate(() => {
      const { posts } = window;
      const picture = posts.find((post) => post.type === 'savePicture')!.png!;
      return {
        isBytes: picture instanceof Uint8Array,
        head: [...picture.slice(1, 4)],
        csv: posts.find((post) => post.type === 'copyText')!.text,
      };
    });
    expect(signature.isBytes).toBe(true);
    expect(String.fromCharCode(...signature.head)).toBe('PNG');
    expect(signature.csv).toMatch(/^run,series,step,value\r\n.*,Training,1,/);
    await closing(view);
  });

  describe('whatever the locale', () => {
    for (const navigatorLanguage of ['en-US@posix', 'C', ''])
      test(`navigator.language is "${navigatorLanguage}": both pages load and draw`, async () => {
        const view = await open({ navigatorLanguage });
        await view.send(snapshot(running()));
        await view.settle();
        expect(await text(view, '.progress-text')).toContain('Step 300 of 900');
        expect(await view.page.locator('luthier-chart canvas').count()).toBeGreaterThan(0);
        await closing(view);
        const tryout = await open({ view: 'tryout', navigatorLanguage });
        await closing(tryout);
      });

    const told = async (language: string) => {
      const view = await open({ language, height: 1400 });
      await view.send(snapshot(madeRun()));
      await view.settle();
      await view.page.keyboard.press('2');
      await view.settle();
      const accuracy = await view.page.locator('table.data tbody tr', { hasText: 'Accuracy' }).first().innerText();
      const tile = await text(view, '.tiles .value');
      const rows = await view.page.locator('.tile').last().locator('.value').innerText();
      const csv = await view.page.evaluate(async () => {
        Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(new Error('no')) } });
        document.querySelector<HTMLElement>('[aria-label="Copy classes as CSV"]')!.click();
        await new Promise((done) => setTimeout(done, 100));
        return window.posts.find((post) => post.type === 'copyText')!.text!;
      });
      await closing(view);
      return { accuracy, tile, rows, csv };
    };

    test('figures are in VS Code’s display language, English where it is none; what is copied has a decimal point', async () => {
      const english = await told('en');
      const german = await told('de');
      const arabic = await told('ar');
      const none = await told('en-US@posix');
      expect(english.tile).toMatch(/^\d\d\.\d %$/);
      expect(german.tile).toBe(english.tile.replace('.', ',').replace(' ', '\u00a0'));
      expect([english.rows, german.rows]).toEqual(['4,800', '4.800']);
      expect(arabic.tile).toBe(
        new Intl.NumberFormat('ar', { style: 'percent', minimumFractionDigits: 1 }).format(
          Number.parseFloat(english.tile) / 100,
        ),
      );
      expect(none).toEqual(english);
      expect(german.csv).toBe(english.csv);
      expect(arabic.csv).toBe(english.csv);
      expect(german.csv).toMatch(/,0\.\d+,/);
    });

    test('a picture of a chart has a decimal point in any language, and the chart on screen its own', async () => {
      const drawn = async (language: string) => {
        const view = await open({ language, height: 1400 });
        const { page } = view;
        await page.evaluate(() => {
          const refuse = () => Promise.reject(new Error('not allowed'));
          Object.defineProperty(navigator, 'clipboard', { value: { write: refuse } });
        });
        await view.send(snapshot(running()));
        await view.settle();
        const texts = () =>
          page.evaluate(
            () =>
              new Promise<string[]>((done) => {
                const seen: string[] = [];
                const { fillText } = CanvasRenderingContext2D.prototype;
                CanvasRenderingContext2D.prototype.fillText = function (
                  words: string,
                  ...rest: [number, number, number?]
                ) {
                  const chart = document.querySelector('luthier-chart canvas');
                  seen.push(
                    `${this.canvas === chart ? 'screen' : this.canvas.isConnected ? 'other' : 'picture'} ${words}`,
                  );
                  fillText.call(this, words, ...rest);
                };
                document.querySelector<HTMLElement>('[aria-label="Copy Loss as picture"]')!.click();
                const look = () => {
                  if (!window.posts.some((post) => post.type === 'savePicture')) return setTimeout(look, 20);
                  CanvasRenderingContext2D.prototype.fillText = fillText;
                  return done(seen);
                };
                look();
              }),
          );
        const seen: string[] = await texts();
        await closing(view);
        return seen;
      };
      const german = await drawn('de');
      const legend = german.find((words) => words.startsWith('picture Training'))!;
      expect(legend).toMatch(/^picture Training \d\.\d+$/);
      // Drawn for the picture with points, then again for the screen with commas.
      const axis = german.filter((words) => /^screen \d[.,]\d/.test(words));
      const points = axis.filter((words) => words.includes('.'));
      expect(points.length).toBeGreaterThan(0);
      expect(axis.slice(-points.length)).toEqual(points.map((words) => words.replace('.', ',')));
    });
  });

  describe('a page that fails says so', () => {
    const failure = (view: Webview) => view.page.getByRole('alert');
    const reported = async (view: Webview) =>
      (await view.posts()).filter((post) => post.type === 'pageFailed').map((post) => String(post.message));

    test('its script throws while it loads', async () => {
      const view = await open({ ready: false, files: { 'dashboard.js': "throw new Error('Broken on purpose')" } });
      await failure(view).waitFor();
      expect(await text(view, '[role=alert] p')).toBe(
        'This view could not be shown. Broken on purpose. Your runs are not affected.',
      );
      expect(await reported(view)).toEqual(['Broken on purpose.']);
      await view.page.getByRole('button', { name: 'Reload' }).click();
      await view.page.getByRole('button', { name: 'Show Log' }).click();
      expect((await view.posts()).slice(-2)).toEqual([{ type: 'reload' }, { type: 'showLog' }]);
      await view.close();
    });

    test('its script or its style cannot be loaded', async () => {
      const view = await open({ ready: false, files: { 'tryout.js': null, 'tryout.css': null }, view: 'tryout' });
      await view.page.waitForFunction(() => window.posts.length === 2);
      expect((await reported(view)).toSorted()).toEqual([
        'The file tryout.css could not be loaded.',
        'The file tryout.js could not be loaded.',
      ]);
      expect(await text(view, '[role=alert] p')).toContain('1 more problem since then; see the log.');
      await view.close();
    });

    test('it throws when it draws: what was drawn stays, and the page goes on once that works again', async () => {
      const view = await open();
      await view.send(snapshot(running()));
      await view.settle();
      await view.page.evaluate(() => {
        const page = document.querySelector('luthier-dashboard') as unknown as { render?: () => unknown };
        page.render = () => {
          throw new Error('Broken on purpose');
        };
      });
      await view.send({ type: 'events', run: 'run-1', events: [step(301)] });
      await failure(view).waitFor();
      expect(await text(view, '[role=alert] p')).toBe('Something went wrong in this view. Broken on purpose.');
      expect(await reported(view)).toEqual(['Broken on purpose.']);
      expect(await text(view, '.progress-text')).toContain('Step 300 of 900');
      await view.page.getByRole('button', { name: 'Dismiss' }).click();
      expect(await failure(view).count()).toBe(0);
      await view.page.evaluate(() => {
        delete (document.querySelector('luthier-dashboard') as unknown as { render?: () => unknown }).render;
      });
      await view.send({ type: 'events', run: 'run-1', events: [step(302)] });
      await view.settle();
      expect(await text(view, '.progress-text')).toContain('Step 302 of 900');
      await view.close();
    });

    test('a chart throws when it draws, in every frame: said once, told a bounded number of times', async () => {
      const view = await open({ height: 1400 });
      await view.page.evaluate(() => {
        CanvasRenderingContext2D.prototype.beginPath = () => {
          throw new Error('No canvas today');
        };
        CanvasRenderingContext2D.prototype.clearRect = CanvasRenderingContext2D.prototype.beginPath;
      });
      await view.send(snapshot(running()));
      for (let i = 301; i < 330; i++) {
        await view.send({ type: 'events', run: 'run-1', events: [step(i)] });
        await view.settle();
      }
      expect(await failure(view).count()).toBe(1);
      expect(await text(view, '[role=alert] p')).toMatch(
        /No canvas today\..* more problems since then; see the log\.$/,
      );
      const messages = await reported(view);
      expect(messages.length).toBe(20);
      expect(new Set(messages)).toEqual(new Set(['No canvas today.']));
      expect(await text(view, '.progress-text')).toContain('Step 329 of 900');
      await view.close();
    });

    test('a promise that nobody waited for', async () => {
      const view = await open();
      await view.page.evaluate(() => void Promise.reject(new Error('Lost on purpose')));
      await failure(view).waitFor();
      expect(await reported(view)).toEqual(['Lost on purpose.']);
      await view.close();
    });
  });

  test('inspect dataset: that training refuses broken rows is said above them, and nothing of warnings alone', async () => {
    const view = await open({ view: 'dataset' });
    const ragged = { severity: 'error', code: 'ragged-row', message: 'Line 3 has 3 cells.', line: 3 } as const;
    const warned = { severity: 'warning', code: 'empty-text', message: '1 row without a text.' } as const;
    const inspected = (problems: DataProblem[]): DatasetMessage => ({
      ...{ type: 'snapshot', path: '/d/t.csv', name: 't.csv', place: 't.csv' },
      ...{ readable: true, trusted: true, otherwise: false },
      summary: {
        ...{ file: '/d/t.csv', task: 'text-classification', format: 'csv', encoding: 'utf-8', rows: 4, columns: [] },
        ...{ guess: { text: 'text', label: 'label' }, guess_reason: '', classes: [], problems },
      },
    });
    const section = view.page.locator('section[aria-labelledby="problems-title"]');
    await view.send(inspected([warned, ragged]));
    await view.settle();
    expect(await section.locator('p').allInnerTexts()).toEqual([
      'Training refuses this data because of 1 error. Correct or delete the lines that are named, then inspect the file again.',
    ]);
    await view.send(inspected([warned]));
    await view.settle();
    expect(await section.locator('p').count()).toBe(0);
    await closing(view);
  });

  test('try model: a mask is put at the cursor by the keyboard, what is likeliest stands in the text, and is said', async () => {
    const view = await open({ view: 'tryout' });
    const { page } = view;
    await view.send({
      ...{ type: 'snapshot', run: '{"path":"/m","name":"bert"}', rows: false, base: null, base_note: null },
      ...{ dataset: null, tuned: { task: 'fill-mask', name: 'bert', labels: [], mask: '[MASK]' } },
    } satisfies TryoutMessage);
    expect(await page.locator('vscode-button').allInnerTexts()).toEqual(['Insert [MASK]', 'Choose Model…']);
    await page.locator('textarea').pressSequentially('It is .');
    await page.keyboard.press('ArrowLeft');
    await view.settle();
    expect(await page.locator('.empty').first().innerText()).toContain('Write [MASK] in the place of a word');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await view.settle();
    // The cursor goes on behind it.
    await page.keyboard.type('!');
    expect(await page.locator('textarea').inputValue()).toBe('It is [MASK]!.');
    const text = 'It is [MASK]!.';
    await page.waitForFunction(
      (text) => window.posts.some((post) => post.type === 'predict' && post.texts?.[0]?.text === text),
      text,
    );
    const request = (await view.posts()).findLast((post) => post.type === 'predict')!;
    const { id } = request as unknown as { id: number };
    const predictions = ['late', 'here'].map((token_str, i) => ({
      ...{ token_str, token: i, score: 0.7 - i / 2, sequence: `it is ${token_str}!.` },
    }));
    await view.send({ type: 'predictions', id, tuned: [{ text, predictions }], base: null, ms: 3 });
    await view.settle();
    expect(await page.locator('.result .text').innerText()).toBe('It is late [MASK]!.');
    expect(await page.locator('.candidates tbody tr').allInnerTexts()).toEqual(['late\t\n70.0 %', 'here\t\n20.0 %']);
    expect(await page.getByRole('table', { name: 'Likeliest for [MASK]' }).count()).toBe(1);
    expect(await page.locator('[aria-live]').innerText()).toContain('late, 70');
    expect(view.problems).toEqual([]);
    await view.close();
  });

  test('try model: asks when typing rests, shows both models, adds a corrected row, keeps the text over a reload', async () => {
    const view = await open({ view: 'tryout' });
    const { page } = view;
    const model = (name: string) => ({ task: 'text-classification' as const, name, labels: ['good', 'bad'] });
    const models: TryoutMessage = {
      type: 'snapshot',
      run: 'run-1',
      rows: true,
      tuned: model('tuned'),
      base: model('base'),
      base_note: null,
      dataset: 'reviews',
    };
    await view.send(models);
    await page.locator('textarea').pressSequentially('fine film');
    await page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
    const request = (await view.posts()).filter((post) => post.type === 'predict').at(-1)!;
    expect(request).toMatchObject({ texts: [{ text: 'fine film' }], compare: true });
    const prediction = (good: number) => ({
      ...(good > 0.5 && { unknown_tokens: { count: 1, of: 2 } }),
      text: 'fine film',
      label: good > 0.5 ? 'good' : 'bad',
      score: Math.max(good, 1 - good),
      scores: { good, bad: 1 - good },
    });
    await view.send({ type: 'predictions', id: request.id, tuned: [prediction(0.9)], base: [prediction(0.4)], ms: 8 });
    await view.settle();
    expect(await page.locator('.scores tbody tr').allInnerTexts()).toEqual([
      'good\t\n90.0 %\n\t\n40.0 %',
      'bad\t\n10.0 %\n\t\n60.0 %',
    ]);
    expect(await text(view, '.result')).toContain('1 of 2 tokens is unknown to this model');
    // Nothing is preset: the model's own answer may be the wrong one.
    const add = page.locator('vscode-button', { hasText: 'Add to Dataset' });
    expect(await add.evaluate((button: HTMLButtonElement) => button.disabled)).toBe(true);
    await page.locator('vscode-single-select').evaluate((select: HTMLElement & { value: string }) => {
      select.value = 'bad';
      select.dispatchEvent(new Event('change'));
    });
    await view.settle();
    await add.click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'addRow', text: 'fine film', label: 'bad', anyway: false });
    await page.reload();
    await view.send(models);
    await page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
    expect(await page.locator('textarea').inputValue()).toBe('fine film');
    await closing(view);
  });

  test('try model: a model of pairs has two fields, and earlier pairs and corrections carry both texts', async () => {
    const view = await open({ view: 'tryout' });
    const { page } = view;
    const snapshot = {
      type: 'snapshot',
      run: 'run-1',
      rows: true,
      tuned: {
        task: 'text-classification',
        name: 'tuned',
        labels: ['entailment', 'neutral'],
        pair: { text: 'premise', text_pair: 'hypothesis' },
      },
      base: null,
      base_note: null,
      dataset: 'pairs.csv',
    };
    await view.send(snapshot);
    const [first, second] = [page.locator('textarea').nth(0), page.locator('textarea').nth(1)];
    await first.pressSequentially('It rains.');
    await view.settle();
    // Half of a pair is not asked for.
    expect(await page.locator('.ask .empty').innerText()).toBe('Labels appear once both texts are there.');
    expect((await view.posts()).some((post) => post.type === 'predict')).toBe(false);
    await second.pressSequentially('It is wet.');
    await page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
    const pair = { text: 'It rains.', text_pair: 'It is wet.' };
    const { id, texts } = (await view.posts()).filter((post) => post.type === 'predict').at(-1)!;
    expect(texts).toEqual([pair]);
    const scores = { entailment: 0.9, neutral: 0.1 };
    const tuned = [{ ...pair, label: 'entailment', score: 0.9, scores }];
    await view.send({ type: 'predictions', id, tuned, base: null, ms: 8 });
    await view.settle();
    expect(await page.locator('.result .text').allInnerTexts()).toEqual(['It rains.', 'It is wet.']);
    await page.locator('vscode-single-select').evaluate((select: HTMLElement & { value: string }) => {
      select.value = 'neutral';
      select.dispatchEvent(new Event('change'));
    });
    await view.settle();
    await page.locator('vscode-button', { hasText: 'Add to Dataset' }).click();
    expect((await view.posts()).at(-1)).toEqual({ type: 'addRow', ...pair, label: 'neutral', anyway: false });
    await view.send({ type: 'added', ...pair, label: 'neutral', dataset: 'pairs.csv', file: '/p.csv', line: 9 });
    await view.settle();
    expect(await page.locator('.added').innerText()).toContain('Added to pairs.csv as neutral');
    // Kept and cleared, then taken from the history with both texts.
    await second.press('Control+Enter');
    await view.settle();
    expect([await first.inputValue(), await second.inputValue()]).toEqual(['', '']);
    await page.locator('button.entry').click();
    expect([await first.inputValue(), await second.inputValue()]).toEqual(['It rains.', 'It is wet.']);
    // Both texts pasted together are two.
    await second.fill('');
    await first.fill('The shop is open ||| It is closed');
    await view.settle();
    expect([await first.inputValue(), await second.inputValue()]).toEqual(['The shop is open', 'It is closed']);
    await page.reload();
    await view.send(snapshot);
    await view.settle();
    expect([await first.inputValue(), await second.inputValue()]).toEqual(['The shop is open', 'It is closed']);
    await closing(view);
  });
});
