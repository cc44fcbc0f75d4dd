// What the screenshots show: each scene opens a view and plays messages and keys into it.
import { boxOf } from './browser.mjs';
import {
  cellRows,
  failedComparison,
  madeChatRun,
  madeFilesRun,
  madeFolds,
  madeLabelsRun,
  madeRows,
  madeRun,
  madeTagRun,
  madeValuesRun,
  recordedComparison,
  recordedRun,
} from './recording.mjs';

const WIDE = 1280;
const NARROW = 420;

/** @param {import('./recording.mjs').RecordedRun[]} runs */
const snapshot = (...runs) => ({ type: 'snapshot', runs, focus: runs[0].record.id });
/**
 * @param {import('./browser.mjs').Webview} view
 * @param {string} name
 */
const tab = async (view, name) => view.page.click(`#tab-${name}`);

const running = () => madeRun({ name: 'tickets · bert-mini · 3', total: 900, done: 540, state: 'running' });
/**
 * As src/protocol/fewer-bits.ts has it.
 * @type {import('../../src/protocol/findings.ts').Finding}
 */
const FEWER_BITS = {
  ...{ code: 'fewer-bits', severity: 'info', title: 'Measured with layers in 8 bits', figures: { bits: 8 } },
  text: 'The figures of this run were computed with frozen layers in 8 bits; the model that is written is in float and may score slightly otherwise, which “luthier evaluate” measures.',
  change: { kind: 'evaluate', title: 'Evaluate on File…' },
};
const liveTail = {
  event: 'step',
  time: 1_780_000_180,
  step: 541,
  epoch: 1.8,
  loss: 0.31,
  learning_rate: 8.5e-6,
  grad_norm: 1.9,
  tokens_per_second: 3980,
  step_ms: 318,
  rss_bytes: 1.35e9,
  eta_s: 115,
};

/** @param {import('./browser.mjs').Webview} view */
const live = async (view) => {
  await view.send(snapshot(running()));
  await view.send({ type: 'events', run: 'run-1', events: [liveTail] });
};
/**
 * A run whose layers are unfrozen one after another, with a line where each phase begins.
 * @param {import('./browser.mjs').Webview} view
 */
const gradual = async (view) => {
  const strategy = { type: 'gradual-unfreeze', epochs_per_group: 0.4, lr_decay: 2.6 };
  const run = madeRun({ name: 'tickets · bert-mini · gradual', recipe: { strategy } });
  const groups = [
    'the classifier is trained (67K of 11.2M parameters).',
    'the classifier and the top layer are trained (857K of 11.2M parameters).',
    'the classifier and the top 2 of 4 layers are trained (1.6M of 11.2M parameters).',
    'the classifier and the top 3 of 4 layers are trained (2.4M of 11.2M parameters).',
    'the classifier and all 4 layers are trained (3.2M of 11.2M parameters).',
    'the classifier, all 4 layers and the embeddings are trained (11.2M of 11.2M parameters).',
  ];
  for (const [i, what] of groups.entries()) {
    const step = 120 * i + 1;
    const time = 1_780_000_004 + step * 0.32;
    run.events.push({ event: 'note', time, level: 'info', step, message: `From step ${step} on, ${what}` });
  }
  run.events.sort((a, b) => a.time - b.time);
  await view.send(snapshot(run));
};
const compared = () => [
  madeRun({ id: 'a', name: 'lr 2e-5, all layers', seed: 1 }),
  madeRun({ id: 'b', name: 'lr 5e-5, all layers', seed: 2, recipe: { learning_rate: 5e-5 } }),
  madeRun({
    id: 'c',
    name: 'lr 1e-5, bottom 2 frozen',
    seed: 3,
    total: 700,
    recipe: { learning_rate: 1e-5, strategy: { type: 'freeze', num_frozen_layers: 2 } },
  }),
];

/**
 * What the page asked last.
 * @param {import('./browser.mjs').Webview} view
 * @param {string} type
 * @returns {Promise<any>}
 */
const asked = async (view, type) => {
  const request = (await view.posts()).findLast((post) => post.type === type);
  if (!request) throw new Error(`The page has not asked for ${type}.`);
  return request;
};

/**
 * @typedef {{ view: 'dashboard' | 'tryout' | 'chat' | 'dataset' | 'prompt' | 'completions' | 'comparison' | 'runs', play: (view: import('./browser.mjs').Webview) => Promise<unknown>,
 *   fullPage?: boolean, reducedMotion?: boolean, height?: number }} Scene
 */

/**
 * @param {string} name
 * @param {Scene} scene
 * @param {(keyof typeof import('./browser.mjs').THEMES)[]} themes
 */
const each = (
  name,
  scene,
  themes = ['dark', 'light', 'high-contrast', 'high-contrast-light'],
  widths = [WIDE, NARROW],
) =>
  themes.flatMap((theme) =>
    widths.map((width) => ({ ...scene, name: `${name}-${theme}-${width === WIDE ? 'wide' : 'narrow'}`, theme, width })),
  );

/** @param {number} n */
const runsTable = (n) => async (/** @type {import('./browser.mjs').Webview} */ view) => {
  await view.send({ type: 'snapshot', rows: madeRows(n), broken: BROKEN, changeable: true });
  await view.settle();
  await view.page.focus('.runs-table');
  for (const key of ['ArrowDown', ' ', 'ArrowDown', 'ArrowDown', ' ']) await view.page.keyboard.press(key);
};
const BROKEN = [
  {
    path: '/home/ada/tickets/.luthier/runs/2026-11-02-b7',
    problem: 'run.json is missing, so this folder is not a run.',
  },
];
/** @param {import('./browser.mjs').Webview} view */
const runsPlot = async (view) => {
  await view.send({ type: 'snapshot', rows: madeRows(60), broken: [], changeable: true });
  await view.settle();
  await view.page.click('.filters .toggle');
  await view.settle();
  await view.page.focus('.plot');
  for (let i = 0; i < 4; i++) await view.page.keyboard.press('ArrowDown');
};
/** @param {import('./browser.mjs').Webview} view */
const runsColumns = async (view) => {
  await view.send({ type: 'snapshot', rows: madeRows(40), broken: [], changeable: true });
  await view.settle();
  await view.page.click('.chooser summary');
};
/** @param {import('./browser.mjs').Webview} view */
const runsFiltered = async (view) => {
  await view.send({ type: 'snapshot', rows: madeRows(40), broken: [], changeable: true });
  await view.settle();
  await view.page.fill('.filters vscode-textfield input', 'nothing like it');
};

/** @param {import('./browser.mjs').Webview} view */
const evaluation = async (view) => {
  await view.send(snapshot(madeRun({ note: 'The first with the cleaned labels.' })));
  await view.settle();
  await tab(view, 'evaluation');
  await view.page.click('td.cell.wrong:not(.shade-0)');
  const request = await asked(view, 'cell');
  await view.send(cellRows(request));
};

/** A cross-validation in its third fold, and finished. */
const foldsAt =
  (/** @type {'running' | 'done'} */ state, /** @type {string | null} */ shown = null) =>
  async (/** @type {import('./browser.mjs').Webview} */ view) => {
    await view.send(snapshot(madeFolds({ state, name: 'tickets · bert-mini · 5 folds' })));
    await view.settle();
    if (shown) await tab(view, shown);
  };

/** Four rows held out, and a class without any: little is said, and nothing that is not known. */
const fewRows = () => {
  const run = madeRun({ classes: 3, name: 'a handful of tickets' });
  const report = {
    .../** @type {import('../../src/protocol/evaluation.ts').ClassificationReport} */ (run.reports[0]),
    n: 4,
    metrics: { loss: 0.31, accuracy: 1, f1_macro: 1, f1_weighted: 1, mcc: 1, ece: 0.12 },
    intervals: {
      accuracy: { low: 0.51, high: 1 },
      loss: null,
      f1_macro: null,
      f1_weighted: null,
      mcc: null,
      ece: null,
    },
    majority: { label: 'account', accuracy: 0.5, f1_macro: 0.333, f1_weighted: 0.333, mcc: 0 },
    per_class: [
      { label: 'account', precision: 1, recall: 1, f1: 1, support: 2 },
      { label: 'billing', precision: 1, recall: 1, f1: 1, support: 2 },
      { label: 'bug_report', precision: null, recall: null, f1: null, support: 0 },
    ],
    confusion: [
      [2, 0, 0],
      [0, 2, 0],
      [0, 0, 0],
    ],
    worst: [],
  };
  return { ...run, reports: [report], report_problems: ['evaluations/old.json cannot be read: it is cut off.'] };
};

/** What the model came to on a file that the person named. */
const onFile = () => {
  const run = madeRun();
  /** @type {import('../../src/protocol/evaluation.ts').FileEvaluation} */
  const evaluation = {
    format: 1,
    name: 'march',
    title: 'march.csv',
    file: '/home/ada/shop/march.csv',
    evaluated_at: '2026-11-26T12:00:00Z',
    report: { ...run.reports[0], split: 'test', n: 120 },
  };
  return { ...run, evaluations: [evaluation] };
};

const comparison = (/** @type {string} */ first, /** @type {string} */ second, /** @type {boolean} */ same) => ({
  type: 'comparison',
  first,
  second,
  problem: null,
  comparison: same
    ? {
        n: [533, 533],
        shared: 533,
        outcome: {
          both: 470,
          neither: 26,
          only_first: 25,
          only_second: 12,
          rows: [
            {
              line: 12,
              file: 'examples/tickets.csv',
              text: 'PayPal keeps being charged even though I entered a card months ago.',
              label: 'billing',
              first: 'billing',
              second: 'refund',
            },
            {
              line: 97,
              file: 'examples/tickets.csv',
              text: 'Where is it?',
              label: 'shipping',
              first: 'account',
              second: 'shipping',
            },
          ],
        },
      }
    : { n: [533, 60], shared: 0, outcome: null },
});

/** @param {import('./browser.mjs').Webview} view */
const comparedRows = async (view) => {
  await view.send(snapshot(...compared()));
  await view.settle();
  await tab(view, 'evaluation');
  for (const other of ['b', 'c']) {
    await view.page.getByRole('button', { name: 'Compare Row by Row' }).first().click();
    await view.send(comparison('a', other, other === 'b'));
    await view.settle();
  }
};

const LABELS = ['account', 'billing', 'bug_report', 'feature_request', 'praise', 'refund', 'shipping'];
/**
 * @param {any} texts
 * @param {Record<string, number>} scores
 */
const scored = (texts, scores) => {
  const [label, score] = Object.entries(scores).sort((a, b) => b[1] - a[1])[0];
  return { ...texts, label, score, scores };
};
const models = {
  type: 'snapshot',
  run: 'tickets-1',
  rows: true,
  tuned: { task: 'text-classification', name: 'tickets · bert-mini · 3', labels: LABELS },
  base: { task: 'text-classification', name: 'starters/bert-mini', labels: LABELS },
  base_note: 'The base model’s classifier is not trained: its labels are guesses.',
  dataset: 'tickets.csv',
};
const SURE = {
  account: 0.006,
  billing: 0.951,
  bug_report: 0.008,
  feature_request: 0.004,
  praise: 0.003,
  refund: 0.024,
  shipping: 0.004,
};
const UNSURE = {
  account: 0.02,
  billing: 0.05,
  bug_report: 0.08,
  feature_request: 0.04,
  praise: 0.03,
  refund: 0.45,
  shipping: 0.33,
};
const BASE = {
  account: 0.13,
  billing: 0.14,
  bug_report: 0.151,
  feature_request: 0.144,
  praise: 0.143,
  refund: 0.147,
  shipping: 0.145,
};

/**
 * A model of pairs, two of them tried: the last has a correction, the one before stands in the history.
 * @param {import('./browser.mjs').Webview} view
 */
const tryoutPairs = async (view) => {
  const pair = { text: 'premise', text_pair: 'hypothesis' };
  const tuned = {
    task: 'text-classification',
    name: 'nli · bert-mini · 2',
    labels: ['entailment', 'neutral', 'contradiction'],
    pair,
  };
  await view.send({
    ...models,
    tuned,
    base: null,
    base_note: 'bert-mini has no trained classifier.',
    dataset: 'nli.csv',
  });
  /** @type {[first: string, second: string, shares: number[]][]} */
  const tried = [
    ['A man plays a guitar on the beach.', 'Somebody makes music.', [0.94, 0.05, 0.01]],
    [
      'Two dogs run after a ball while their owner, who has a red coat and an umbrella, waits for them at the gate.',
      'The dogs are asleep.',
      [0.21, 0.34, 0.45],
    ],
  ];
  for (const [first, second, shares] of tried) {
    await view.page.locator('textarea').nth(0).fill(first);
    await view.page.locator('textarea').nth(1).fill(second);
    await view.page.waitForFunction(
      (text) => window.posts.findLast((post) => post.type === 'predict')?.texts?.[0]?.text_pair === text,
      second,
    );
    const request = await asked(view, 'predict');
    const scores = Object.fromEntries(tuned.labels.map((label, i) => [label, shares[i]]));
    await view.send({
      type: 'predictions',
      id: request.id,
      tuned: [scored(request.texts[0], scores)],
      base: null,
      ms: 9,
    });
    await view.page.waitForTimeout(1_600);
  }
};

/**
 * A model that names entities: one text with some, one with none, one that is longer than its window.
 * @param {import('./browser.mjs').Webview} view
 */
const tryoutTags = async (view) => {
  const labels = ['O', 'B-LOC', 'I-LOC', 'B-ORG', 'I-ORG', 'B-PER', 'I-PER'];
  await view.send({
    ...models,
    run: 'names-1',
    tuned: { task: 'token-classification', name: 'names · bert · 1', labels },
    base: null,
    base_note: 'starters/bert does not name entities: it learned to in this run.',
    dataset: 'names.conll',
  });
  const texts = ['Lena Quist of Delta Print signed for the parcel in Cape Town.', 'The printer is out of paper again.'];
  await view.page.locator('textarea').fill(texts.join('\n'));
  await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
  const request = await asked(view, 'predict');
  /** @param {string} text @param {[string, string, number][]} found */
  const tagged = (text, found) => ({
    text,
    entities: found.map(([entity_group, word, score]) => {
      const start = text.indexOf(word);
      return { entity_group, word, score, start, end: start + word.length };
    }),
  });
  await view.send({
    type: 'predictions',
    id: request.id,
    tuned: [
      tagged(texts[0], [
        ['PER', 'Lena Quist', 0.998],
        ['ORG', 'Delta Print', 0.942],
        ['LOC', 'Cape Town', 0.613],
      ]),
      tagged(texts[1], []),
    ],
    base: null,
    ms: 14,
  });
  await view.page.waitForTimeout(1_600);
};

/** A base model that fills in masks: one text with one, one with two, one without. @param {import('./browser.mjs').Webview} view */
const tryoutMasked = async (view) => {
  await view.send({
    ...models,
    run: '{"path":"/models/bert","name":"google-bert/bert-base-uncased"}',
    rows: false,
    tuned: { task: 'fill-mask', name: 'google-bert/bert-base-uncased', labels: [], mask: '[MASK]' },
    ...{ base: null, base_note: null, dataset: null },
  });
  const texts = ['My parcel is [MASK].', 'I would like a [MASK] for my [MASK], please.', 'No mask stands in here.'];
  await view.page.locator('textarea').fill(texts.join('\n'));
  await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
  const { id } = await asked(view, 'predict');
  /** @param {string[]} words @param {number[]} scores */
  const fills = (words, scores) =>
    words.map((token_str, i) => ({ token_str, token: i, score: scores[i], sequence: `… ${token_str} …` }));
  await view.send({
    ...{ type: 'predictions', id, base: null, ms: 21 },
    tuned: [
      {
        text: texts[0],
        predictions: fills(['missing', 'late', 'here', 'empty', 'gone'], [0.412, 0.221, 0.093, 0.058, 0.031]),
      },
      {
        text: texts[1],
        predictions: [
          fills(['refund', 'gift', 'replacement', 'receipt', 'ring'], [0.187, 0.143, 0.101, 0.064, 0.02]),
          fills(['shoes', 'birthday', 'order', 'wife', 'order number'], [0.092, 0.087, 0.071, 0.069, 0.004]),
        ],
      },
    ],
  });
  await view.page.waitForTimeout(1_600);
};

/** Its tags are corrected, and the other sentence was added. @param {import('./browser.mjs').Webview} view */
const tryoutTagsCorrected = async (view) => {
  await tryoutTags(view);
  await view.page.locator('.corrections summary').first().click();
  await view.page.getByLabel('Tag of “Print”').selectOption('O');
  await view.send({
    type: 'added',
    text: 'The printer is out of paper again.',
    label: '["O"]',
    dataset: 'names.conll',
    file: 'names.conll',
    line: 812,
  });
};

/** A text has any number of labels; the second is in the data already. @param {import('./browser.mjs').Webview} view */
const tryoutLabelsCorrected = async (view) => {
  const labels = ['crash', 'login', 'performance', 'praise', 'price', 'sync', 'translation'];
  await view.send({
    ...models,
    run: 'feedback-1',
    tuned: { task: 'multi_label_classification', name: 'feedback · bert · 1', labels },
    base: null,
    base_note: 'starters/bert has no trained classifier: it learned to classify in this run.',
    dataset: 'feedback.jsonl',
  });
  const texts = ['Since the update it is slow and closes by itself.', 'I love it, though the plan costs too much.'];
  await view.page.locator('textarea').fill(texts.join('\n'));
  await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
  const { id } = await asked(view, 'predict');
  const scores = (/** @type {number[]} */ ...values) =>
    Object.fromEntries(labels.map((label, i) => [label, values[i]]));
  await view.send({
    ...{ type: 'predictions', id, base: null, ms: 9 },
    tuned: [
      { text: texts[0], labels: ['crash'], scores: scores(0.93, 0.02, 0.41, 0.01, 0.02, 0.1, 0.01) },
      { text: texts[1], labels: ['praise', 'price'], scores: scores(0.01, 0.01, 0.02, 0.97, 0.88, 0.03, 0.01) },
    ],
  });
  await view.settle();
  await view.page.locator('.corrections summary').first().click();
  await view.page.locator('.corrections vscode-checkbox[label="performance"]').first().click();
  await view.send({
    ...{ type: 'stands', text: texts[1], label: '["praise","price"]', dataset: 'feedback.jsonl' },
    rows: [{ file: 'feedback.jsonl', line: 41, label: '["price"]' }],
  });
};

const chatting = {
  type: 'snapshot',
  run: 'run-1',
  name: 'support · decoder · 2',
  base: 'starters/decoder',
  dialogue: true,
};
const ANSWERS = [
  'I am sorry about that. Could you tell me your order number? Then I can look up where the parcel is.',
  'Thank you. Your parcel left our warehouse on Monday and should arrive tomorrow.\n\n1. You get a message when it is on its way.\n2. If it does not come, write to us again, and we send a new one at no cost.',
];

/**
 * Says something and answers it.
 * @param {import('./browser.mjs').Webview} view
 * @param {string} said
 * @param {Partial<Record<'tuned' | 'base', string>>} answers
 * @param {object} [more]
 */
const converse = async (view, said, answers, more = {}) => {
  await view.page.locator('.composer textarea').fill(said);
  await view.page.keyboard.press('Control+Enter');
  const { id } = await asked(view, 'generate');
  for (const [writer, text] of Object.entries(answers)) {
    const end = { tokens: Math.ceil(text.length / 4), rate: 31.4, reason: 'end', notes: [], ...more };
    await view.send({ type: 'answer', id, writer, text, ...end });
  }
};

/** @param {import('./browser.mjs').Webview} view */
const chat = async (view) => {
  await view.send(chatting);
  await converse(view, 'My parcel has not arrived.', { tuned: ANSWERS[0] });
  await converse(view, 'It is 4711-08.', { tuned: ANSWERS[1] });
  await view.page.locator('.composer textarea').fill('And if I am not at home?');
  await view.page.keyboard.press('Enter');
  const { id } = await asked(view, 'generate');
  await view.send({ type: 'part', id, writer: 'tuned', text: 'Then the driver leaves it with a neigh' });
};

/** @param {import('./browser.mjs').Webview} view */
const chatCompared = async (view) => {
  await view.send(chatting);
  await view.page.locator('.settings summary').click();
  await view.page
    .locator('.settings textarea')
    .first()
    .fill('You answer customers of a small shop, briefly and kindly.');
  await view.page.locator('vscode-textfield input').nth(1).fill('0.7');
  await view.page.locator('vscode-checkbox').click();
  await converse(
    view,
    'My parcel has not arrived.',
    { tuned: ANSWERS[0], base: 'The parcel is a parcel that has not arrived. The parcel is a parcel of the parcel.' },
    { notes: ['The oldest 2 messages no longer fit and are left out.'] },
  );
};

/** A call of a tool, and what the person gives back for it. @param {import('./browser.mjs').Webview} view */
const chatTools = async (view) => {
  await view.send({ ...chatting, base: null });
  const weather = { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } };
  await view.send({ type: 'tools', text: JSON.stringify([{ type: 'function', function: weather }]) });
  /** @param {string} city */
  const call = (city) => ({
    ...{ id: `call-${city}`, type: 'function' },
    function: { name: 'get_weather', arguments: { city, days: 2 } },
  });
  const calls = { text: '<tool_call>…</tool_call>', content: 'Let me look.', tokens: 41, rate: 31.4, reason: 'end' };
  await view.page.locator('.composer textarea').fill('Do I need an umbrella in Tromsø?');
  await view.page.keyboard.press('Control+Enter');
  const first = await asked(view, 'generate');
  await view.send({ type: 'answer', id: first.id, writer: 'tuned', notes: [], ...calls, tool_calls: [call('Tromsø')] });
  await view.settle();
  await view.page.locator('.composer textarea').fill('{"rain": true}');
  await view.page.locator('.composer vscode-button').click();
  await view.page.waitForFunction(() => window.posts.filter((post) => post.type === 'generate').length === 2);
  const posts = await view.page.evaluate(() => window.posts.filter((post) => post.type === 'generate'));
  const end = { ...calls, content: '', tool_calls: [call('Oslo'), call('Bergen')] };
  await view.send({ type: 'answer', id: posts.at(-1).id, writer: 'tuned', notes: [], ...end });
  await view.page.locator('.settings summary').click();
};

/** @param {import('./browser.mjs').Webview} view */
const chatPlain = async (view) => {
  await view.send({ ...chatting, name: 'commits · decoder · 1', dialogue: false });
  await converse(
    view,
    'diff --git a/src/cart.ts b/src/cart.ts\n-  const total = sum(items);\n+  const total = sum(items) - discount;\n\nMessage:',
    { tuned: ' Subtract the discount from the total of the cart' },
    { reason: 'length' },
  );
};

/** @param {import('./browser.mjs').Webview} view */
const chatFailed = async (view) => {
  await view.send(chatting);
  await view.page.locator('.composer textarea').fill('Hello');
  await view.page.keyboard.press('Enter');
  const { id } = await asked(view, 'generate');
  const message = 'chat_template.jinja: the chat template fails at message 1 (role “user”): only system may begin.';
  const hint = 'Change the messages as the template wants them, or correct the template.';
  await view.send({ type: 'failed', request: 'generate', id, error: { code: 'tokenizer-invalid', message, hint } });
};

/** @param {import('./browser.mjs').Webview} view */
const tryout = async (view) => {
  await view.send(models);
  await view.page
    .locator('textarea')
    .fill('I was charged twice this month.\nWhere are my shoes? I want my money back.');
  await view.page.waitForFunction(() =>
    window.posts.some((post) => post.type === 'predict' && post.texts?.length === 2),
  );
  const request = await asked(view, 'predict');
  const [first, second] = request.texts;
  await view.send({
    type: 'predictions',
    id: request.id,
    tuned: [scored(first, SURE), { ...scored(second, UNSURE), unknown_tokens: { count: 3, of: 14 } }],
    base: [scored(first, BASE), scored(second, BASE)],
    ms: 12.4,
  });
  await view.send({ type: 'added', ...first, label: 'billing', dataset: 'tickets.csv', file: '/t.csv', line: 693 });
  await view.send({
    type: 'stands',
    ...second,
    label: 'shipping',
    dataset: 'tickets.csv',
    rows: [{ file: '/t.csv', line: 112, label: 'refund' }],
  });
  // Long enough for the lines to go into the history.
  await view.page.waitForSelector('.history .entry');
};

const CLASSES = {
  bug_report: 119,
  account: 103,
  billing: 98,
  shipping: 90,
  refund: 84,
  feature_request: 77,
  praise: 68,
  other: 52,
};
const TEXTS = [
  ['Rounding: 0.125 shows as 0.13 in the table and 0.12 in the sum underneath.', 'bug_report'],
  ['PayPal keeps being charged even though I entered a card months ago.', 'billing'],
  ['Where are my shoes?\nThe order says delivered, the porch says otherwise.', 'shipping'],
  [
    'Please let me sort the invoices by customer. I asked for this in spring, too, and in the winter before that, when it was said that it would come with the next release; there have been four.',
    'feature_request',
  ],
  ['I love it.', 'praise'],
];
const datasetSnapshot = {
  type: 'snapshot',
  path: '/home/ada/examples/tickets.csv',
  name: 'tickets.csv',
  place: 'examples/tickets.csv',
  readable: true,
  trusted: true,
  otherwise: false,
  summary: {
    file: '/home/ada/examples/tickets.csv',
    task: 'text-classification',
    format: 'csv',
    encoding: 'utf-8',
    rows: 691,
    columns: [
      { name: 'id', distinct: 691, empty: 0, mean_length: 4, examples: ['1001', '1002', '1003'] },
      { name: 'text', distinct: 684, empty: 0, mean_length: 92, examples: TEXTS.map(([text]) => text).slice(0, 3) },
      { name: 'intent', distinct: 8, empty: 0, mean_length: 9, examples: ['bug_report', 'billing', 'shipping'] },
    ],
    guess: { text: 'text', label: 'intent' },
    guess_reason:
      'The text is “text” (a common name, 16 words on average) and the label is “intent” (a common name, 8 different values in 691 rows).',
    classes: Object.entries(CLASSES).map(([label, count]) => ({ label, count })),
    problems: [
      {
        severity: 'warning',
        code: 'conflicting-labels',
        message:
          '3 rows have a different label than an earlier row with the same text (lines 212, 398 and 604). The first is “Where is my order?”: “shipping” on line 33, “account” on line 212. Decide which are right.',
        line: 212,
        count: 3,
      },
      {
        severity: 'info',
        code: 'duplicate-row',
        message: '7 rows repeat earlier ones (lines 90, 144, 201, 333, 415 and 2 more); all are kept.',
        line: 90,
      },
    ],
  },
};

/** With rows of other numbers of cells. */
const raggedSnapshot = {
  ...datasetSnapshot,
  summary: {
    ...datasetSnapshot.summary,
    broken_rows: 3,
    problems: [
      {
        severity: 'error',
        code: 'ragged-row',
        message:
          '3 rows do not have 3 cells like the header (lines 48, 209 and 602; line 48 has 4). Put quotes around cells that contain the delimiter, or fill in missing cells.',
        line: 48,
        count: 3,
      },
      ...datasetSnapshot.summary.problems,
    ],
  },
};

/** @param {import('./browser.mjs').Webview} view */
const dataset = async (view, snapshot = datasetSnapshot) => {
  await view.send(snapshot);
  await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'rows'));
  const request = await asked(view, 'rows');
  await view.send({
    type: 'rows',
    id: request.id,
    offset: 0,
    total: 691,
    lengths: {
      min: 10,
      median: 84,
      p95: 188,
      max: 512,
      step: 20,
      counts: [24, 61, 96, 118, 131, 104, 71, 42, 21, 12, 6, 5],
    },
    rows: Array.from({ length: 30 }, (_, i) => {
      const [text, label] = TEXTS[i % TEXTS.length];
      return { file: '/home/ada/examples/tickets.csv', line: i + 2, text, label };
    }),
  });
};

/** @type {[tokens: string, tags: string][]} */
const SENTENCES = [
  ['Delta Print and Bluebird Travel share a warehouse near Gdansk .', 'B-ORG I-ORG O B-ORG I-ORG O O O O B-LOC O'],
  ['Please send the invoice to Alba Foods in Cape Town .', 'O O O O O B-ORG I-ORG O B-LOC I-LOC O'],
  ['Nobody answered .', 'O O O'],
];
/** Cells of several labels, as they look and as they are read once that is said. */
const datasetSeveral =
  (/** @type {boolean} */ otherwise) => async (/** @type {import('./browser.mjs').Webview} */ view) => {
    const { summary } = datasetSnapshot;
    const labels = otherwise
      ? { crash: 61, performance: 48, praise: 44, price: 30 }
      : { 'crash|performance': 31, praise: 24, crash: 20, 'praise|price': 18, 'performance|price': 12 };
    const other = { problem_type: 'multi_label_classification', label_separator: '|' };
    const message =
      '78 of 140 rows have several labels in “labels”, joined by “|”, such as “crash|performance”. To learn them all, set "problem_type": "multi_label_classification" and "label_separator": "|".';
    await view.send({
      ...datasetSnapshot,
      ...{ path: '/home/ada/feedback.csv', name: 'feedback.csv', place: 'feedback.csv', otherwise },
      summary: {
        ...summary,
        ...{ task: otherwise ? other.problem_type : summary.task, rows: 140, guess: { text: 'text', label: 'labels' } },
        classes: Object.entries(labels).map(([label, count]) => ({ label, count })),
        problems: otherwise ? [] : [{ severity: 'warning', code: 'list-labels', column: 'labels', message, other }],
      },
    });
    await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'rows'));
  };

/** @param {import('./browser.mjs').Webview} view */
const datasetTags = async (view) => {
  const file = '/home/ada/examples/names.conll';
  await view.send({
    ...datasetSnapshot,
    path: file,
    name: 'names.conll',
    place: 'examples/names.conll',
    summary: {
      ...datasetSnapshot.summary,
      file,
      task: 'token-classification',
      format: 'conll',
      rows: 320,
      columns: [
        { name: 'tokens', distinct: 320, empty: 0, mean_length: 70, examples: ['["Delta","Print","and","Bluebird"]'] },
        { name: 'tags', distinct: 74, empty: 0, mean_length: 53, examples: ['["B-ORG","I-ORG","O","B-ORG"]'] },
      ],
      guess: { tokens: 'tokens', tags: 'tags' },
      guess_reason:
        'The words are “tokens” (each line’s first column) and the tags are “tags” (each line’s last of 2 columns).',
      classes: Object.entries({ O: 2142, 'B-LOC': 256, 'B-PER': 227, 'B-ORG': 187, 'I-ORG': 185 }).map(
        ([label, count]) => ({ label, count }),
      ),
      problems: [],
    },
  });
  await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'rows'));
  const request = await asked(view, 'rows');
  await view.send({
    type: 'rows',
    id: request.id,
    offset: 0,
    total: 320,
    lengths: {
      min: 3,
      median: 10,
      p95: 15,
      max: 17,
      step: 1,
      counts: [0, 0, 0, 8, 12, 18, 22, 30, 41, 50, 52, 38, 30, 19],
    },
    rows: Array.from({ length: 9 }, (_, i) => {
      const [tokens, tags] = SENTENCES[i % SENTENCES.length];
      return { file, line: 12 * i + 1, tokens: tokens.split(' '), tags: tags.split(' ') };
    }),
  });
};

/** What is learnt of conversations, one of them too long; @param {import('./browser.mjs').Webview} view */
const datasetChat = async (view) => {
  const file = '/home/ada/examples/support.jsonl';
  await view.send({
    ...datasetSnapshot,
    path: file,
    name: 'support.jsonl',
    place: 'examples/support.jsonl',
    summary: {
      ...datasetSnapshot.summary,
      ...{ file, task: 'conversational', format: 'jsonl', rows: 224, classes: [], problems: [] },
      columns: [
        { name: 'messages', distinct: 224, empty: 0, mean_length: 240, examples: ['[{"role":"user","content":"Hi"}]'] },
      ],
      guess: { messages: 'messages' },
      guess_reason: 'Conversations are in “messages” (a common name).',
    },
  });
  await asked(view, 'preview');
  /** @param {string} role @param {string} text */
  const turn = (role, text) => `<|im_start|>${role}\n${text}`;
  /** @param {string} question @param {string} answer */
  const parts = (question, answer) => [
    { text: `${turn('user', question)}<|im_end|>\n${turn('assistant', '')}`, kind: 'read' },
    { text: `${answer}<|im_end|>`, kind: 'learnt' },
    { text: '\n', kind: 'read' },
  ];
  await view.send({
    type: 'preview',
    problem: null,
    preview: {
      ...{ model: 'starters/decoder', max_length: 512, read: 200, truncated: 3 },
      notes: [],
      rows: [
        {
          ...{ file, line: 1, tokens: 46, learnt: 18, windows: 1 },
          parts: parts('Where is my parcel?', 'It left the depot this morning and comes before noon.'),
        },
        {
          ...{ file, line: 2, tokens: 88, learnt: 31, windows: 1 },
          parts: [
            ...parts('Can I pay by invoice?', 'Yes, within thirty days.'),
            ...parts('And in two parts?', 'No, but the shop can move the date: write to them before the tenth.'),
          ],
        },
        {
          ...{ file, line: 117, tokens: 512, learnt: 64, windows: 1 },
          parts: [
            { text: 'user: Hello\nassistant: Hello, how can I help?', kind: 'cut' },
            ...parts('My shoes have not come.', 'Which number does the order have? It is in the mail from Friday.'),
          ],
        },
      ],
    },
  });
};

/** Whose model cannot be read; @param {import('./browser.mjs').Webview} view */
const datasetNoPreview = async (view) => {
  const { summary } = datasetSnapshot;
  await view.send({ ...datasetSnapshot, summary: { ...summary, task: 'text-generation', classes: [], problems: [] } });
  const problem =
    'There is no model “qwen”: no folder beside the recipe, no starter, and not in the Hugging Face cache.';
  await view.send({ type: 'preview', preview: null, problem });
};

const template = {
  ...{
    type: 'snapshot',
    mode: 'try',
    template: 'file:///home/ada/reply.prompty',
    name: 'reply.prompty',
    blocked: null,
  },
  variables: [
    { name: 'ticket', kind: 'string', description: 'What the customer wrote' },
    { name: 'tone', kind: 'string', description: null },
    { name: 'words', kind: 'number', description: 'At most so many' },
  ],
  sample: { ticket: 'My parcel has not arrived. The order number is 4711-08.', tone: 'friendly', words: 60 },
  ...{ hasSample: true, problems: [], dataset: 'tickets.csv', offered: null, options: 'At most 128 tokens' },
  columns: [{ id: 'a', name: 'support · decoder · 2', detail: null, remote: null, problem: null }],
  subject: 'now',
};
const REPLY =
  'I am sorry that your parcel has not arrived yet. I have looked up order 4711-08: it left our warehouse on Monday and should be with you tomorrow.';
const RENDERED = {
  messages: [
    { role: 'system', content: 'You answer customers of a small shop. Be friendly, and write at most 60 words.' },
    { role: 'user', content: template.sample.ticket },
  ],
  ...{ prompt: null, tokens: 46, warnings: [] },
};

/**
 * @param {import('./browser.mjs').Webview} view
 * @param {object} [change]
 * @param {object} [rendered]
 */
const rendered = async (view, change = {}, rendered = {}) => {
  await view.send({ ...template, ...change });
  await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'render'));
  await view.send({ type: 'rendered', id: (await asked(view, 'render')).id, ...RENDERED, ...rendered });
};

/** @param {import('./browser.mjs').Webview} view */
const answered = async (view) => {
  await view.page.locator('.run').click();
  const { id } = await asked(view, 'run');
  return { id, row: 'tried', column: 'a' };
};
const end = { tokens: 34, ms: 2130, reason: 'end', notes: [], labels: [] };

/** @param {import('./browser.mjs').Webview} view */
const promptTry = async (view) => {
  await rendered(view);
  const cell = await answered(view);
  await view.send({ type: 'answer', ...cell, text: REPLY, ...end });
  await view.send({ type: 'ended', id: cell.id, cancelled: false });
};

/** @param {import('./browser.mjs').Webview} view */
const promptWriting = async (view) => {
  const offered = 'The template names no model: the newest run that fits is offered.';
  await rendered(view, { offered }, { warnings: ['“signature” has no value: it is left empty.'] });
  const cell = await answered(view);
  await view.send({ type: 'part', ...cell, text: REPLY.slice(0, 60) });
};

/** @param {import('./browser.mjs').Webview} view */
const promptLabels = async (view) => {
  const labels = [
    { label: 'shipping', score: 0.81 },
    { label: 'refund', score: 0.14 },
    { label: 'account', score: 0.05 },
  ];
  const name = 'tickets · cloze · 1';
  await rendered(
    view,
    {
      name: 'classify.prompty',
      columns: [{ ...template.columns[0], name }],
      variables: template.variables.slice(0, 1),
    },
    { messages: [], prompt: `${template.sample.ticket} It is about [MASK].`, tokens: 21 },
  );
  const cell = await answered(view);
  await view.send({ type: 'answer', ...cell, text: '', ...end, tokens: null, ms: 38, labels });
  await view.send({ type: 'ended', id: cell.id, cancelled: false });
  await view.send({ type: 'kept', file: 'classify.examples.jsonl', line: 3 });
};

/** @param {import('./browser.mjs').Webview} view */
const promptFailed = async (view) => {
  await rendered(view, {
    columns: [{ id: 'a', name: 'gpt-small', detail: null, remote: 'models.example', problem: null }],
  });
  const cell = await answered(view);
  await view.send({ type: 'part', ...cell, text: REPLY.slice(0, 40) });
  const error = {
    code: 'internal',
    message: 'models.example does not accept the API key (401).',
    hint: 'Set the key with Set API Key of Endpoint.',
  };
  await view.send({
    type: 'cellFailed',
    ...cell,
    error,
    ways: [{ way: 'setEndpointKey', label: 'Set API Key', of: 0 }],
  });
  await view.send({ type: 'ended', id: cell.id, cancelled: false });
};

/** @param {import('./browser.mjs').Webview} view */
const promptUntrusted = (view) =>
  view.send({
    ...template,
    blocked: 'This workspace is not trusted: the template is shown, and nothing is rendered, run or sent.',
    columns: [],
  });

const COMPARED = [
  { id: 'base', name: 'starters/decoder', detail: 'base model', remote: null, problem: null },
  { id: 'tuned', name: 'support · decoder · 2', detail: null, remote: null, problem: null },
];
const TICKETS = [
  [
    'Where is my parcel? Order 4711-08.',
    'The parcel is on its way to the parcel. Please wait for the parcel.',
    'Your parcel is on its way. It should arrive tomorrow; please write again if it does not.',
  ],
  [
    'I was charged twice this month.',
    'I am sorry. You were charged this month.',
    'I am sorry. You were charged twice this month, so we send one payment back today.',
  ],
  [
    'How do I change my password?',
    'You can change your password in the account.',
    'You can change your password under Account.',
  ],
];

/** @param {import('./browser.mjs').Webview} view */
const promptCompare = async (view) => {
  await view.send({
    ...template,
    mode: 'compare',
    hasSample: false,
    columns: COMPARED,
    variables: template.variables.slice(0, 1),
  });
  const rows = TICKETS.map(([ticket], i) => ({
    ...{ id: `r${i}`, title: `tickets.csv, line ${12 + 7 * i}`, values: { ticket } },
  }));
  // Of an earlier day: one on a row that is not shown, two on another text of the template.
  const vote = (/** @type {string} */ row, /** @type {string} */ subject, /** @type {string} */ choice) => ({
    ...{ row, subject, choice, on: 'x' },
  });
  await view.send({
    type: 'votes',
    votes: [vote('r7', 'now', 'tuned'), vote('r8', 'then', 'base'), vote('r9', 'then', 'base')],
  });
  await view.send({ type: 'rows', rows });
  await view.page.locator('.run').click();
  const { id } = await asked(view, 'run');
  for (const [i, [, ...answers]] of TICKETS.entries())
    for (const [j, text] of answers.entries())
      await view.send({
        ...{ type: 'answer', id, row: `r${i}`, column: COMPARED[j].id, text },
        ...{ ...end, tokens: Math.round(text.length / 4), ms: 900 + 13 * text.length },
      });
  await view.send({ type: 'ended', id, cancelled: false });
  await view.page
    .getByRole('radio', { name: /support/ })
    .first()
    .check();
  await view.page
    .getByRole('radio', { name: /support/ })
    .nth(1)
    .check();
  await view.page.getByRole('radio', { name: 'None is better' }).nth(2).check();
};

/** @param {import('./browser.mjs').Webview} view */
const promptCompareRemote = async (view) => {
  const columns = [
    COMPARED[1],
    { ...COMPARED[1], id: 'git', detail: 'reply.prompty as of 3 May (a1b2c3d)' },
    { id: 'far', name: 'llama3.2', detail: null, remote: 'localhost:11434', problem: null },
    { ...COMPARED[1], id: 'gone', name: 'support · decoder · 1', problem: 'This run was deleted.' },
  ];
  await view.send({ ...template, mode: 'compare', columns });
  await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'estimate'));
  const estimate = await asked(view, 'estimate');
  await view.send({ type: 'estimated', id: estimate.id, calls: 1, tokens: 46, hosts: ['localhost:11434'] });
};

/**
 * Counts of a week in three languages.
 * @param {import('./browser.mjs').Webview} view
 */
const completionCounts = async (view) => {
  const counts = (/** @type {number[]} */ [shown, accepted, partly, rejected, edited, characters]) => ({
    ...{ shown, accepted, partly, rejected, edited, characters },
  });
  const notes = { model: '/home/ada/notes/.luthier/runs/notes-2/model', name: 'notes · decoder · 2' };
  const starter = { model: 'starters/decoder', name: 'starters/decoder' };
  await view.send({
    type: 'snapshot',
    today: '2026-11-27',
    days: [
      { day: '2026-11-27', ...notes, language: 'Markdown', ...counts([212, 71, 18, 123, 9, 2310]) },
      { day: '2026-11-25', ...notes, language: 'Plain Text', ...counts([31, 9, 2, 20, 1, 288]) },
      { day: '2026-11-24', ...starter, language: 'Prompty', ...counts([6, 0, 0, 6, 0, 0]) },
    ],
  });
};

/**
 * A comparison as record-comparisons.mjs wrote it down, on its page.
 * @param {'ways-running' | 'ways-interrupted' | 'ways-done' | 'models-done' | 'search-done' | 'halving-done'} name
 */
const comparisonOf = (name) => shownComparison(recordedComparison(name));

/**
 * The same where a graphics card had LoRA's frozen layers in 8 bits.
 * @param {ReturnType<typeof recordedComparison>} comparison
 */
const measuredInFewerBits = (comparison) => ({
  ...comparison,
  candidates: comparison.candidates.map((candidate) => {
    const { result, strategy } = candidate;
    return strategy === 'lora' && result ? { ...candidate, result: { ...result, frozen_bits: 8 } } : candidate;
  }),
});

/** @param {ReturnType<typeof recordedComparison>} comparison */
const shownComparison = (comparison) => async (/** @type {import('./browser.mjs').Webview} */ view) => {
  const { compared, data, base, task, rows, budget_s, candidates } = comparison;
  await view.send({
    type: 'snapshot',
    asked: {
      ...{ compared, data, base, home: `${base}/.luthier`, task, columns: {}, rows, sets: [] },
      ...{ models: [...new Set(candidates.map(({ model }) => model))], minutes: (budget_s ?? 0) / 60 },
      ...(compared === 'search' && { recipe: `${base}/tickets.recipe.json` }),
    },
    comparison,
    isWorking: comparison.state === 'running',
  });
};

/** Two of three seeds finished. */
const seedsAt = async (/** @type {import('./browser.mjs').Webview} */ view) => {
  const run = madeFolds({ name: 'tickets · bert-mini · 3 seeds' });
  const { folds, ...record } = run.record;
  const results = folds.results.map(({ metrics, n }, /** @type {number} */ i) => ({ seed: 42 + i, metrics, n }));
  await view.send(
    snapshot({
      ...run,
      record: { ...record, seeds: { values: [42, 43, 44], results, deviations: folds.deviations }, total_steps: 900 },
      reports: run.reports.map(({ folds: _, ...report }) => report),
      events: run.events.map(({ fold, ...event }) => (fold === undefined ? event : { ...event, seed: 44 })),
    }),
  );
  await view.settle();
  await tab(view, 'evaluation');
};

export const scenes = [
  ...each('comparison-search', { view: 'comparison', play: comparisonOf('search-done') }),
  ...each('comparison-halving', { view: 'comparison', play: comparisonOf('halving-done') }, ['dark', 'light']),
  ...each('seeds-evaluation', { view: 'dashboard', play: seedsAt }, ['dark', 'light']),
  ...each('comparison-done', { view: 'comparison', play: comparisonOf('ways-done') }),
  ...each('comparison-failed', { view: 'comparison', play: shownComparison(failedComparison()) }, ['dark', 'light']),
  ...each('comparison-running', { view: 'comparison', play: comparisonOf('ways-running') }, ['dark', 'light']),
  ...each('comparison-interrupted', { view: 'comparison', play: comparisonOf('ways-interrupted') }, ['light']),
  ...each('comparison-models', { view: 'comparison', play: comparisonOf('models-done') }, [
    'dark',
    'high-contrast-light',
  ]),
  ...each('prompt-try', { view: 'prompt', play: promptTry }),
  ...each('prompt-writing', { view: 'prompt', play: promptWriting }, ['light']),
  ...each('prompt-labels', { view: 'prompt', play: promptLabels }),
  ...each('prompt-failed', { view: 'prompt', play: promptFailed }, ['dark']),
  ...each('prompt-untrusted', { view: 'prompt', play: promptUntrusted }, ['dark']),
  ...each('prompt-compare', { view: 'prompt', play: promptCompare }),
  ...each('prompt-compare-remote', { view: 'prompt', play: promptCompareRemote }, ['dark', 'light']),
  ...each('completions', { view: 'completions', play: completionCounts }),
  ...each(
    'completions-none',
    { view: 'completions', play: (view) => view.send({ type: 'snapshot', today: '2026-11-27', days: [] }) },
    ['dark'],
  ),
  ...each('runs-table', { view: 'runs', play: runsTable(40) }),
  ...each('runs-plot', { view: 'runs', play: runsPlot }),
  ...each('runs-columns', { view: 'runs', play: runsColumns }, ['dark', 'light']),
  ...each('runs-filtered', { view: 'runs', play: runsFiltered }, ['dark']),
  ...each(
    'runs-none',
    { view: 'runs', play: (view) => view.send({ type: 'snapshot', rows: [], broken: [], changeable: true }) },
    ['dark'],
  ),
  ...each('folds-charts', { view: 'dashboard', play: foldsAt('running') }, ['dark', 'light']),
  ...each('folds-evaluation', { view: 'dashboard', play: foldsAt('running', 'evaluation') }),
  ...each('folds-done', { view: 'dashboard', play: foldsAt('done') }, ['dark', 'light']),
  ...each('dataset', { view: 'dataset', play: dataset }),
  ...each('dataset-ragged', { view: 'dataset', play: (view) => dataset(view, raggedSnapshot) }, ['dark', 'light']),
  ...each(
    'dataset-broken',
    {
      view: 'dataset',
      play: (view) =>
        view.send({
          ...datasetSnapshot,
          readable: false,
          summary: {
            ...datasetSnapshot.summary,
            classes: [],
            guess: { text: 'text' },
            problems: [
              {
                severity: 'error',
                code: 'missing-column',
                message: 'No label column was found in tickets.csv; its columns are “id” and “text”.',
              },
            ],
          },
        }),
    },
    ['dark'],
  ),
  ...each('tryout', { view: 'tryout', play: tryout }),
  ...each('chat', { view: 'chat', play: chat }),
  ...each('chat-compared', { view: 'chat', play: chatCompared }),
  ...each('chat-tools', { view: 'chat', play: chatTools }),
  ...each('chat-plain', { view: 'chat', play: chatPlain }, ['dark', 'light']),
  ...each('chat-failed', { view: 'chat', play: chatFailed }, ['dark']),
  ...each('chat-empty', { view: 'chat', play: (view) => view.send({ ...chatting, base: null }) }, ['light']),
  ...each('tryout-tags', { view: 'tryout', play: tryoutTags }),
  ...each('tryout-masked', { view: 'tryout', play: tryoutMasked }),
  ...each('dataset-chat', { view: 'dataset', play: datasetChat }),
  ...each('dataset-no-preview', { view: 'dataset', play: datasetNoPreview }, ['dark']),
  ...each('tryout-tags-corrected', { view: 'tryout', play: tryoutTagsCorrected }),
  ...each('tryout-labels-corrected', { view: 'tryout', play: tryoutLabelsCorrected }),
  ...each('dataset-several', { view: 'dataset', play: datasetSeveral(false) }, ['light']),
  ...each('dataset-several-read', { view: 'dataset', play: datasetSeveral(true) }, ['dark']),
  ...each('dataset-tags', { view: 'dataset', play: datasetTags }),
  ...each('tryout-pairs', { view: 'tryout', play: tryoutPairs }),
  ...each('tryout-empty', { view: 'tryout', play: (view) => view.send({ ...models, base: null, base_note: null }) }, [
    'dark',
  ]),
  ...each(
    'tryout-row-failed',
    {
      view: 'tryout',
      play: async (view) => {
        await view.send({ ...models, base: null, base_note: null });
        await view.send({ type: 'row', text: 'Where is it?', label: 'shipping', file: 'tickets.csv', line: 400 });
        await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
        const request = await asked(view, 'predict');
        await view.send({
          type: 'predictions',
          id: request.id,
          tuned: [scored({ text: 'Where is it?' }, UNSURE)],
          base: null,
          ms: 9,
        });
        await view.page.locator('textarea').fill('Where is it??');
        await view.page.waitForFunction((n) => window.posts.filter((post) => post.type === 'predict').length > n, 1);
        const again = await asked(view, 'predict');
        await view.send({
          type: 'failed',
          request: 'predict',
          id: again.id,
          error: {
            code: 'internal',
            message: 'The engine stopped (killed by SIGKILL).',
            hint: 'It restarts with the next request; nothing on disk was lost.',
            logged: true,
          },
        });
      },
    },
    ['light'],
  ),
  ...each(
    'tryout-waiting',
    {
      view: 'tryout',
      play: async (view) => view.send({ type: 'loading', message: 'Loading tickets · bert-mini · 3…' }),
    },
    ['dark'],
    [WIDE],
  ),
  ...each(
    'tryout-loading',
    {
      view: 'tryout',
      play: async (view) => {
        await view.send({ ...models, base: null, base_note: null });
        await view.page.locator('textarea').fill('Where is it?');
        await view.page.waitForFunction(() => window.posts.some((post) => post.type === 'predict'));
        await view.send({ type: 'loading', message: 'Loading tickets · bert-mini · 3…' });
      },
    },
    ['dark', 'light'],
  ),
  ...each('dashboard-live', { view: 'dashboard', play: live }),
  ...each('dashboard-gradual', { view: 'dashboard', play: gradual }),
  ...[running(), madeRun()].flatMap((run, ended) =>
    each(
      `fewer-bits-${ended ? 'done' : 'running'}`,
      {
        view: 'dashboard',
        play: (view) => view.send(snapshot({ ...run, record: { ...run.record, findings: [FEWER_BITS] } })),
      },
      ['light', 'dark'],
    ),
  ),
  ...each(
    'fewer-bits-compared',
    { view: 'comparison', play: shownComparison(measuredInFewerBits(recordedComparison('ways-done'))) },
    ['light', 'dark'],
  ),
  // What real runs say about themselves when they have ended; runs whose charts are of another kind, or none.
  ...['overfitting', 'diverged', 'solved', 'few-shot', 'prompt-tuning'].flatMap((name) =>
    each(
      `dashboard-${name}`,
      { view: 'dashboard', play: (view) => view.send(snapshot(recordedRun(name))) },
      name === 'overfitting' || name === 'solved' ? undefined : ['dark', 'light'],
    ),
  ),
  ...['rare-type', 'rare-label', 'values-swinging', 'values-unrelated', 'folds', 'conversation'].flatMap((name) =>
    each(
      `diagnosis-${name}`,
      {
        view: 'dashboard',
        play: async (view) => {
          await view.send(snapshot(recordedRun(name)));
          await view.settle();
          await tab(view, 'evaluation');
        },
      },
      ['light', 'high-contrast'],
    ),
  ),
  ...each('dashboard-evaluation', { view: 'dashboard', play: evaluation }),
  ...each('dashboard-labels', {
    view: 'dashboard',
    play: async (view) => {
      await view.send(snapshot(madeLabelsRun()));
      await view.settle();
      await tab(view, 'evaluation');
    },
  }),
  ...each('dashboard-values', {
    view: 'dashboard',
    play: async (view) => {
      await view.send(snapshot(madeValuesRun()));
      await view.settle();
      await tab(view, 'evaluation');
    },
  }),
  ...each('dashboard-tags', {
    view: 'dashboard',
    play: async (view) => {
      await view.send(snapshot(madeTagRun()));
      await view.settle();
      await tab(view, 'evaluation');
    },
  }),
  ...each('dashboard-language', {
    view: 'dashboard',
    play: async (view) => {
      await view.send(snapshot(madeChatRun()));
      await view.settle();
      await tab(view, 'evaluation');
    },
  }),
  ...each('dashboard-completions', {
    view: 'dashboard',
    play: async (view) => {
      await view.send(snapshot(madeFilesRun()));
      await view.settle();
      await tab(view, 'evaluation');
    },
  }),
  ...each(
    'dashboard-completions-unmeasured',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot({ ...madeFilesRun(), completions: null }));
        await view.settle();
        await tab(view, 'evaluation');
      },
    },
    ['dark'],
    [WIDE],
  ),
  ...each('dashboard-few-rows', {
    view: 'dashboard',
    play: async (view) => {
      await view.send(snapshot(fewRows()));
      await view.settle();
      await tab(view, 'evaluation');
      await view.page.click('.use summary');
    },
  }),
  ...each('dashboard-on-file', {
    view: 'dashboard',
    play: async (view) => {
      await view.send(snapshot({ ...onFile(), has_onnx: true }));
      await view.settle();
      await view.send({ type: 'showEvaluation', run: 'run-1', name: 'march' });
      await view.settle();
      await view.page.click('.use summary');
    },
  }),
  ...each('dashboard-compare-rows', { view: 'dashboard', play: comparedRows }),
  ...each(
    'dashboard-logarithmic',
    {
      view: 'dashboard',
      play: async (view) => {
        await live(view);
        await view.settle();
        for (const button of await view.page.getByRole('button', { name: 'Logarithmic axis' }).all())
          await button.click();
      },
    },
    ['dark'],
    [WIDE],
  ),
  ...each('dashboard-broken', {
    view: 'dashboard',
    play: async (view) => {
      await live(view);
      await view.settle();
      await view.page.evaluate(() =>
        setTimeout(() => {
          throw new Error('Cannot read properties of undefined (reading "split")');
        }),
      );
      view.problems.length = 0;
      await view.settle();
      view.problems.length = 0;
    },
  }),
  ...each('dashboard-compare', { view: 'dashboard', play: (view) => view.send(snapshot(...compared())) }, [
    'dark',
    'high-contrast-light',
  ]),
  ...each(
    'dashboard-recipe-compare',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(...compared()));
        await view.settle();
        await tab(view, 'recipe');
      },
    },
    ['light'],
  ),
  ...each(
    'dashboard-recipe',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(running()));
        await view.settle();
        await tab(view, 'recipe');
      },
    },
    ['dark'],
  ),
  ...each(
    'dashboard-log',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(madeRun()));
        await view.settle();
        await tab(view, 'log');
      },
    },
    ['dark'],
  ),
  ...each(
    'dashboard-many-classes',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(madeRun({ classes: 77 })));
        await view.settle();
        await tab(view, 'evaluation');
      },
    },
    ['light'],
  ),
  ...each(
    'dashboard-failed',
    {
      view: 'dashboard',
      play: (view) =>
        view.send(
          snapshot(
            madeRun({
              done: 120,
              state: 'failed',
              error: {
                code: 'loss-not-finite',
                message: 'The loss became NaN at step 121.',
                hint: 'Lower learning_rate (it is 2e-5) or raise warmup_steps, then resume from the checkpoint of step 100.',
              },
            }),
          ),
        ),
    },
    ['dark'],
  ),
  ...each(
    'dashboard-queued',
    {
      view: 'dashboard',
      play: (view) => view.send(snapshot(madeRun({ done: 0, state: 'queued', queue_position: 2 }))),
    },
    ['light'],
  ),
  ...each(
    'dashboard-zoomed',
    {
      view: 'dashboard',
      play: async (view) => {
        await live(view);
        await view.settle();
        const plot = await boxOf(view.page.locator('.u-over').first());
        await view.page.mouse.move(plot.x + plot.width * 0.3, plot.y + 60);
        await view.page.mouse.down();
        await view.page.mouse.move(plot.x + plot.width * 0.7, plot.y + 60, { steps: 5 });
        await view.page.mouse.up();
        await view.page.mouse.move(plot.x + plot.width * 0.5, plot.y + 60);
      },
    },
    ['dark'],
    [WIDE],
  ),
];
