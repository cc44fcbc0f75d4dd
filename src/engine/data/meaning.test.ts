import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Columns } from '../../protocol/index.ts';
import { inspectData } from './inspect.ts';

/** Sentences that are all different. */
const SAYINGS = ['the parcel is late', 'my card was declined', 'no code arrives', 'the box was wet', 'prices went up'];
const saying = (i: number) => `${SAYINGS[i % SAYINGS.length]}, number ${i + 1}`;

async function look(text: string, file = 'rows.csv', columns?: Columns) {
  const summary = await inspectData({ file, text, columns });
  return {
    ...summary,
    found: summary.problems.map(({ severity, code, line }) => [severity, code, line]),
    messages: summary.problems.map(({ message }) => message),
    labels: Object.fromEntries(summary.classes.map(({ label, count }) => [label, count])),
  };
}

const csv = (labels: readonly string[], header = 'text,label') =>
  `${header}\n${labels.map((label, i) => `${JSON.stringify(saying(i))},${label}\n`).join('')}`;

describe('labels that are one class', () => {
  it('are read as one where they look the same, the characters being named', async () => {
    const data = await look(
      csv(['Rés', 'Re\u0301s', 'bill\u00ading', 'billing', '\u200bbilling', 'billing', '  Rés\u00a0']),
    );
    expect(data.labels).toEqual({ billing: 4, Rés: 3 });
    expect(data.found).toEqual([
      ['warning', 'invisible-characters', 3],
      ['warning', 'invisible-characters', 4],
    ]);
    expect(data.messages).toEqual([
      'The label “Rés” in “label” is written in 2 ways that look the same, and is read as one class: with U+0301 (combining acute accent), decomposed (NFD), on line 3.',
      'The label “billing” in “label” is written in 3 ways that look the same, and is read as one class: with U+00AD (soft hyphen) on line 4 and with U+200B (zero width space) on line 6.',
    ]);
  });

  it('keep what words and emoji are written with, and flags apart', async () => {
    const [astronaut, persian] = ['👩\u200d🚀', 'می\u200cخواهم'];
    const [england, scotland] = ['gbeng', 'gbsct'].map((tag) =>
      String.fromCodePoint(0x1f3f4, ...[...tag].map((letter) => 0xe0000 + letter.codePointAt(0)!), 0xe007f),
    ) as [string, string];
    const data = await look(csv([astronaut, persian, england, scotland, astronaut, persian, england, scotland]));
    expect(data.labels).toEqual({ [astronaut]: 2, [persian]: 2, [england]: 2, [scotland]: 2 });
    expect(data.found).toEqual([]);
  });

  it('say an invisible character that stands in every one, and keep the label without', async () => {
    const data = await look(csv(['\u202alogin\u202c', 'other', '\u202alogin\u202c', 'other']));
    expect(data.labels).toEqual({ login: 2, other: 2 });
    expect(data.found).toEqual([['info', 'invisible-characters', 2]]);
    expect(data.messages[0]).toContain('U+202A (left-to-right embedding) and U+202C (pop directional formatting)');
  });

  it.each([
    ['Cyrillic', 'сlothing', 'U+0441 (a Cyrillic letter that looks like “c”)'],
    ['Greek', 'clοthing', 'U+03BF (a Greek letter that looks like “o”)'],
    ['Cyrillic capital', 'СLOTHING', 'U+0421 (a Cyrillic letter that looks like “C”)'],
  ])('are warned of where a %s letter looks Latin', async (_, label, named) => {
    const data = await look(csv([label, 'clothing', 'shoes', label, 'clothing', 'shoes']));
    expect(Object.keys(data.labels)).toHaveLength(3);
    expect(data.found).toEqual([['warning', 'similar-labels', undefined]]);
    expect(data.messages[0]).toContain(named);
  });

  it('are warned of where wide letters, a case, a blank or a mark at the end differs', async () => {
    const data = await look(
      csv(['login', 'ｌｏｇｉｎ', 'Login', 'login,', 'in app', 'in-app'].flatMap((l) => [`"${l}"`, `"${l}"`])),
    );
    expect(data.found).toEqual([
      ['warning', 'similar-labels', undefined],
      ['warning', 'similar-labels', undefined],
    ]);
  });

  it('are read as one where they are the same number', async () => {
    const data = await look(csv(['1', '1.0', '01', '+1', '0', '0.0', '-0', '1e0', '.0']));
    expect(data.labels).toEqual({ 1: 5, 0: 4 });
    expect(data.found).toEqual([
      ['warning', 'equal-numbers', 3],
      ['warning', 'equal-numbers', 7],
    ]);
    expect(data.messages[0]).toBe(
      'The label “1” in “label” is also written “1.0” (line 3), “01” (line 4), “+1” (line 5) and “1e0” (line 9): the same number, read as one class. Write it one way.',
    );
    const long = await look(csv(['9007199254740992', '9007199254740993', '9007199254740992', '9007199254740993']));
    expect(long.labels).toEqual({ '9007199254740992': 2, '9007199254740993': 2 });
    // Written one way only, numbers stay as they are.
    expect((await look(csv(['0.0', '1.0', '0.0', '1.0']))).labels).toEqual({ '0.0': 2, '1.0': 2 });
    expect((await look(csv(['01', '02', '01', '02']))).found).toEqual([]);
  });
});

describe('words for a missing value', () => {
  it('are warned of with their lines, in labels and in texts', async () => {
    const data = await look('text,label\na b c,x\nnan,y\nd e f,NaN\ng h i,x\nj k l,NaN\nm n o,y\n');
    expect(data.found).toEqual([
      ['warning', 'missing-words', 3],
      ['warning', 'missing-words', 4],
    ]);
    expect(data.messages).toEqual([
      '“nan” occurs in 1 text of “text” (line 3) and looks like a missing value, but is learned as written. Clear the cell to leave its row out.',
      '“NaN” occurs in 2 labels of “label” (lines 4 and 6) and looks like a missing value, but is learned as a class. Clear these cells to leave their rows out.',
    ]);
    expect(data.labels).toEqual({ x: 2, y: 2, NaN: 2 });
  });

  it('are classes like others where they are None and NA', async () => {
    const data = await look(csv(['None', 'NA', 'none', 'EU', 'None', 'NA', 'none', 'EU']));
    expect(data.found).toEqual([['warning', 'similar-labels', undefined]]);
    expect(data.labels).toEqual({ EU: 2, NA: 2, None: 2, none: 2 });
  });
});

describe('texts without anything to read', () => {
  it('are left out, and said with their lines', async () => {
    const data = await look('text,label\n\u200b,a\n\ufeff \u00a0,b\n…,a\n\u00ad\u2060,b\n  ,a\n🙂,b\n\u0007,a\n');
    expect(data.labels).toEqual({ a: 1, b: 1 });
    expect(data.found.slice(0, 2)).toEqual([
      ['warning', 'invisible-characters', 2],
      ['warning', 'empty-text', 6],
    ]);
    expect(data.messages[0]).toBe(
      '4 rows with nothing but spaces and invisible characters in “text” (lines 2, 3, 5 and 8; the first has U+200B (zero width space)) are left out.',
    );
  });

  it('count for the second text of a pair, too', async () => {
    const data = await look('premise,hypothesis,label\na b,c d,x\ne f,,x\ng h,\u200b,y\ni j,k l,y\n');
    expect(data.guess).toEqual({ text: 'premise', text_pair: 'hypothesis', label: 'label' });
    expect(data.messages.slice(0, 2)).toEqual([
      '1 row without a second text in “hypothesis” (line 3) is left out.',
      '1 row with nothing but spaces and invisible characters in “hypothesis” (line 4; the first has U+200B (zero width space)) is left out.',
    ]);
  });
});

describe('several labels a row', () => {
  it.each(['|', ', ', ';', '#', ' / ', '+', '&'])('joined by “%s” are recognised', async (separator) => {
    const join = (...labels: string[]) => `"${labels.join(separator)}"`;
    const labels = ['login', join('login', 'billing'), 'billing', join('billing', 'shipping'), 'shipping', 'login'];
    const data = await look(csv([...labels, ...labels]));
    expect(data.found).toEqual([['warning', 'list-labels', 3]]);
    expect(data.messages[0]).toContain('2 of the 5 labels in “label” are lists of other labels');
    expect(data.messages[0]).toContain('write "problem_type": "multi_label_classification" and "label_separator"');
    expect(data.messages[0]).toContain('lines 3, 5, 9 and 11');
  });

  it('are none where a name merely holds a separator', async () => {
    const data = await look(csv(['Food & Drink', 'Home & Garden', '24/7', 'C#', 'a | b'].flatMap((l) => [l, l])));
    expect(data.found).toEqual([]);
  });

  const jsonl = (labels: readonly unknown[]) =>
    labels.map((label, i) => `${JSON.stringify({ text: saying(i), label, Comments: [] })}\n`).join('');

  it('in JSON lists are opened where there is one, and refused where most have several', async () => {
    const one = await look(jsonl([['a'], ['b'], ['a'], ['b']]), 'rows.jsonl');
    expect(one.labels).toEqual({ a: 2, b: 2 });
    expect(one.found).toContainEqual(['info', 'list-labels', 1]);
    expect(one.messages).toContain('Each row has a list with one entry in “label”; the entry is used as its label.');
    // The same in cells, as JSON and as Python writes it.
    for (const cell of ['"[""a""]"', `"['a']"`]) {
      expect((await look(csv([cell, 'b', cell, 'b']))).labels).toEqual({ a: 2, b: 2 });
    }
    const several = await look(jsonl([['a', 'b'], ['b'], ['a', 'b'], ['b', 'c']]), 'rows.jsonl');
    expect(several.found[0]).toEqual(['error', 'list-labels', 1]);
    expect(several.messages[0]).toBe(
      '3 of 4 rows have several labels in “label” (lines 1, 3 and 4), such as “a” and “b”. To learn all labels of a row, write "problem_type": "multi_label_classification" in the recipe. Or give each row one label.',
    );
  });

  it('in few rows cost these rows alone, and an empty list is no label', async () => {
    const data = await look(jsonl([['a', 'b'], ['b'], ['a'], ['b'], ['a'], []]), 'rows.jsonl');
    expect(data.labels).toEqual({ a: 2, b: 2 });
    expect(data.found.slice(0, 2)).toEqual([
      ['warning', 'empty-label', 6],
      ['warning', 'list-labels', 1],
    ]);
    expect(data.messages).toContain(
      '1 of 6 rows has several labels in “label” (line 1), such as “a” and “b”, and is left out. To learn all labels of a row, write "problem_type": "multi_label_classification" in the recipe. Or give each row one label.',
    );
  });

  it('in fastText’s lines never stay in the text', async () => {
    const lines = [
      '__label__a __label__b one two',
      '__label__a three four',
      '__label__b five six',
      '__label__a, seven',
    ];
    const few = await look([...lines, ...lines.slice(1).map((l) => `${l} more`)].join('\n'), 'train.txt');
    expect(few.found[0]).toEqual(['warning', 'list-labels', 1]);
    expect(few.messages[0]).toContain('such as “__label__a” and “__label__b”, and is left out');
    expect(few.messages.join()).toContain('The labels “__label__a” and “__label__a,” differ only in spelling');
    const many = await look(`${lines[0]}\n${lines[0]} again\n${lines[1]}\n`, 'train.txt');
    expect(many.found[0]).toEqual(['error', 'list-labels', 1]);
  });

  it('in JSON objects are named; one alone is opened', async () => {
    const cell = (...choices: string[]) => `"${JSON.stringify({ choices }).replaceAll('"', '""')}"`;
    const data = await look(csv([cell('Good', 'Mixed'), 'Good', 'Bad', 'Good', 'Bad', cell('Bad')]));
    expect(data.labels).toEqual({ Good: 2, Bad: 3 });
    expect(data.messages).toEqual([
      '1 of 6 rows has JSON instead of one label in “label” (line 2), such as “{"choices":["Good","Mixed"]}”, and is left out. To learn all labels of a row, write "problem_type": "multi_label_classification" in the recipe. Or give each row one label.',
      '1 row has JSON with one entry in “label” (line 7); the entry is used as the label.',
    ]);
    // With nothing but one class left that is what refuses the data.
    const alone = await look(csv([cell('Good', 'Mixed'), 'Good', 'Good', 'Good', 'Good']));
    expect(alone.found).toEqual([['error', 'json-cells', 2]]);
  });

  it('in columns of 0 and 1 are named all', async () => {
    const rows = Array.from(
      { length: 12 },
      (_, i) => `${saying(i)},${i % 2},${i % 3 === 0 ? 1 : 0},${i % 4 === 0 ? 1 : 0}`,
    );
    const data = await look(`comment_text;toxic;insult;threat\n${rows.join('\n').replaceAll(/,(?=\d)/g, ';')}\n`);
    expect(data.guess.text).toBe('comment_text');
    expect(data.found[0]).toEqual(['warning', 'indicator-columns', undefined]);
    expect(data.messages[0]).toMatch(
      /^“toxic”, “insult” and “threat” each contain only 0 and 1, .* Only “toxic” is used/,
    );
    const hot = Array.from(
      { length: 9 },
      (_, i) => `${saying(i)};${[0, 1, 2].map((k) => (i % 3 === k ? 1 : 0)).join(';')}`,
    );
    const oneHot = await look(`comment_text;sport;politics;arts\n${hot.join('\n')}\n`);
    expect(oneHot.messages[0]).toContain('One of them is 1 in each row: write its name into one column');
  });
});

describe('measurements', () => {
  it('are refused where each row has its own, and warned of where classes come of them', async () => {
    const own = await look(
      csv(
        Array.from({ length: 12 }, (_, i) => (i * 0.24).toFixed(2)),
        'text,score',
      ),
    );
    expect(own.found).toEqual([['error', 'numeric-labels', undefined]]);
    expect(own.messages[0]).toBe(
      'The labels in “score” are decimal numbers from 0 to 2.64, and each row has a different one: a measurement rather than classes. To learn the numbers themselves, write "problem_type": "regression" in the recipe. Or group them into a few classes, such as low and high, or choose another label column.',
    );
    const rounded = await look(
      csv(
        Array.from({ length: 12 }, (_, i) => String((i % 4) * 1.25)),
        'text,score',
      ),
    );
    expect(rounded.found).toEqual([['warning', 'numeric-labels', undefined]]);
    expect(rounded.messages[0]).toContain('"problem_type": "regression"');
    // Whole numbers are classes, however they are written.
    expect((await look(csv(['1.0', '2.0', '3.0', '1.0', '2.0', '3.0'], 'text,stars'))).found).toEqual([]);
  });
});

describe('columns that are not used', () => {
  it('are named where they hold texts, with the way to a pair', async () => {
    const rows = Array.from({ length: 8 }, (_, i) => `${i % 2}\t7000${i}\t${saying(i)} one\t${saying(i + 8)} two`);
    const data = await look(`Quality\t#1 ID\t#1 String\t#2 String\n${rows.join('\n')}\n`, 'msr.tsv');
    expect(data.found).toEqual([['warning', 'unused-column', undefined]]);
    expect(data.messages[0]).toContain('"columns": {"text": "#1 String", "text_pair": "#2 String"}');
    const given = await look(`Quality\t#1 ID\t#1 String\t#2 String\n${rows.join('\n')}\n`, 'msr.tsv', {
      text: '#1 String',
      text_pair: '#2 String',
      label: 'Quality',
    });
    expect(given.found).toEqual([]);
  });

  it('are named where a header lacks a name and lines spill into them', async () => {
    const data = await look(
      'v1,v2,,\nham,see you there,,\nspam,reply stop, or call, now\nham,on my way,,\nspam,win a phone,,\n',
    );
    expect(data.found[0]).toEqual(['warning', 'unused-column', 3]);
    expect(data.messages[0]).toMatch(
      /^“column_3” and “column_4” have no name in the header and contain text on line 3/,
    );
  });

  it('are named where annotators rejected rows', async () => {
    const verdicts = ['accept', 'reject', 'ignore', 'accept', 'accept', 'reject'];
    const rows = verdicts.map((answer, i) => `${JSON.stringify({ text: saying(i), label: `c${i % 2}`, answer })}\n`);
    const data = await look(rows.join(''), 'prodigy.jsonl');
    expect(data.guess.label).toBe('label');
    expect(data.found).toEqual([['warning', 'verdict-column', 2]]);
    expect(data.messages[0]).toMatch(/^“answer” says “reject” in 2 and “ignore” in 1 of 6 rows \(lines 2, 3 and 6\)/);
    const flags = csv(['a', 'b', 'a', 'b'])
      .replace('label', 'label,was_cancelled')
      .replaceAll(/,([ab])\n/g, ',$1,false\n');
    expect((await look(flags)).found).toEqual([]);
    expect((await look(flags.replace('false', 'true'))).found).toEqual([['warning', 'verdict-column', 2]]);
  });
});

describe('classes of very different size', () => {
  it('are offered weights', async () => {
    const data = await look(csv([...Array<string>(20).fill('often'), 'seldom', 'seldom']));
    expect(data.found).toEqual([['info', 'imbalanced', undefined]]);
    expect(data.messages[0]).toBe(
      '“often” has 20 rows, “seldom” 2: "class_weight": "balanced" in the recipe makes rare classes count as much as common ones.',
    );
    expect((await look(csv([...Array<string>(19).fill('often'), 'seldom', 'seldom']))).found).toEqual([]);
  });
});

/** Code of a problem that each input is to have, and whether it is refused. */
const FIELD: [file: string, codes: string[], isRefused: boolean, labels?: string[]][] = [
  ['T10-kaggle-spam-shape/spam.csv', ['unused-column'], false, ['ham', 'spam']],
  ['T13-mrpc-shape-bom/msr.tsv', ['unused-column'], false, ['0', '1']],
  ['T17-float-labels/mixed.csv', ['equal-numbers'], false, ['0', '1']],
  ['T20-none-na-nan/none-is-a-class.csv', [], false, ['None', 'billing', 'login', 'shipping']],
  ['T20-none-na-nan/na-country.csv', [], false, ['APAC', 'EU', 'NA']],
  ['T20-none-na-nan/nan-is-missing.csv', ['missing-words'], false],
  ['T23-invisible-in-labels/data.csv', ['invisible-characters'], false, ['Rés. 1', 'billing', 'login']],
  ['T25-multilabel-cell/bar.csv', ['list-labels'], false],
  ['T25-multilabel-cell/comma.csv', ['list-labels'], false],
  ['T25-multilabel-cell/hash.csv', ['list-labels'], false],
  ['T26-multilabel-json/doccano-one-each.jsonl', ['list-labels'], false, ['billing', 'login', 'shipping']],
  ['T26-multilabel-json/lists.jsonl', ['list-labels'], true],
  ['T27-multi-hot-columns/toxic.csv', ['indicator-columns'], false, ['0', '1']],
  ['T28-fasttext-two-labels/train.txt', ['list-labels', 'similar-labels'], true],
  ['T29-annotation-verdicts/prodigy.jsonl', ['verdict-column'], false, ['billing', 'login', 'shipping']],
  ['T29-annotation-verdicts/label-studio.csv', ['json-cells'], true],
  ['T30-regression-scores/sts.csv', ['numeric-labels'], true],
  ['T30-regression-scores/rounded.csv', ['numeric-labels'], false],
  ['T32-pairs-empty-second/data.csv', ['empty-text_pair'], false, ['other', 'same']],
  ['T34-nothing-readable/data.csv', ['invisible-characters'], false],
  ['T34-nothing-readable/nulls.jsonl', ['empty-text'], false],
];

const field = fileURLToPath(new URL('../../../../shared/field/today/', import.meta.url));
describe.skipIf(!existsSync(field))('inputs from the field (skipped: ../shared is not there)', () => {
  it.each(FIELD)('%s', async (name, codes, isRefused, labels) => {
    const { problems, classes } = await inspectData({ file: field + name });
    expect(problems.map(({ code }) => code)).toEqual(expect.arrayContaining(codes));
    if (codes.length === 0) expect(problems).toEqual([]);
    expect(problems.some(({ severity }) => severity === 'error')).toBe(isRefused);
    if (labels) expect(classes.map(({ label }) => label).sort()).toEqual(labels);
    // The file is there and is what was meant.
    expect(readFileSync(field + name).length).toBeGreaterThan(0);
  });
});

describe('labels that are texts to be written', () => {
  const qa = (answers: readonly string[]) =>
    `question,context,answer\n${answers.map((answer, i) => `When is shop ${i % 3} open?,We are open from 9 to 5.,${answer}\n`).join('')}`;

  it('are said to look like question answering where they stand in their contexts', async () => {
    const answers = ['9 to 5', 'We', '9 to 5', 'we', '9 to 5', 'We'];
    const { problems, guess } = await look(qa(answers));
    expect(guess.label).toBe('answer');
    expect(problems.find(({ code }) => code === 'looks-like-writing')).toEqual({
      severity: 'warning',
      code: 'looks-like-writing',
      column: 'answer',
      message:
        'In every row, “answer” is part of “context”, which looks like question answering. Here each different “answer” is a class. For a model that writes them, put "task": "conversational" and "columns": {"prompt":"question","input":"context","completion":"answer"} into the recipe, with a base model that writes.',
    });
    const named = await look(qa(answers), 'rows.csv', { text: 'question', text_pair: 'context', label: 'answer' });
    expect(named.found).toContainEqual(['info', 'looks-like-writing', undefined]);
    // Classes are in no text.
    const classes = await look(qa(['yes', 'no', 'yes', 'no', 'yes', 'no']));
    expect(classes.found.some(([, code]) => code === 'looks-like-writing')).toBe(false);
  });

  it('are said to look like summaries by their name and length', async () => {
    const row = (i: number) =>
      `"${saying(i)} and nobody has answered yet though I wrote twice",${i % 2 ? 'Late parcels' : 'Billing trouble'}\n`;
    const rows = Array.from({ length: 6 }, (_, i) => row(i)).join('');
    const { problems } = await look(`article,highlights\n${rows}`);
    expect(problems.find(({ code }) => code === 'looks-like-writing')?.message).toMatch(
      /^“highlights” looks like a summary of “article”\. .*"text-generation" and "columns": \{"prompt":"article","completion":"highlights"\}/,
    );
    const { found } = await look(`article,label\n${rows}`);
    expect(found.some(([, code]) => code === 'looks-like-writing')).toBe(false);
  });
});
