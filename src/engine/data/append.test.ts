import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelSets } from '../tasks/multi-label-classification/rows.ts';
import { TAGGED } from '../tasks/token-classification/rows.ts';
import { appendRows, undoAppend } from './append.ts';
import { listRows } from './rows.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier append ü-'));
});
afterAll(() => rm(base, { recursive: true }));

const MULTI = 'multi_label_classification';

describe('rows of several labels', () => {
  /** Adds a row with these labels, looks at it as it is read, takes it out, and gives what was added. */
  async function added(
    name: string,
    content: string,
    labels: string[],
    how: { label_separator?: string; label_columns?: string[] } = {},
  ): Promise<string> {
    const data = join(base, name);
    await writeFile(data, content);
    const rows = [{ text: 'a new row', label: JSON.stringify(labels) }];
    const { undo, line } = await appendRows({ data, columns: {}, task: MULTI, ...how, rows });
    const now = await readFile(data, 'utf8');
    const found = await listRows({ data, columns: {}, ...how, limit: 5, text: 'a new row' }, labelSets(how));
    expect(found.rows).toMatchObject([{ line, label: JSON.stringify([...labels].sort()) }]);
    await undoAppend({ undo });
    expect(await readFile(data, 'utf8')).toBe(content);
    return now.slice(content.length);
  }

  it('are written as the others are: joined, as lists, in columns of 0 and 1', async () => {
    const joined = 'text,labels\none row,late|rude\nanother row,late\n';
    expect(await added('joined.csv', joined, ['rude', 'late'], { label_separator: '|' })).toBe('a new row,rude|late\n');
    const lists = 'text,labels\none row,"[""late"", ""rude""]"\nanother row,"[""late""]"\n';
    expect(await added('lists.csv', lists, ['late'])).toBe('a new row,"[""late""]"\n');
    expect(await added('lists.csv', lists, [])).toBe('a new row,[]\n');
    const json = '{"text":"one row","labels":["late","rude"]}\n{"text":"another row","labels":[]}\n';
    expect(await added('lists.jsonl', json, ['late', 'rude'])).toBe('{"text":"a new row","labels":["late","rude"]}\n');
    const columns = { label_columns: ['late', 'rude'] };
    expect(await added('marks.csv', 'text,late,rude,n\none,1,0,7\ntwo,1,1,8\n', ['rude'], columns)).toBe(
      'a new row,0,1,\n',
    );
    expect(await added('words.csv', 'text,late,rude\none,True,False\ntwo,True,True\n', ['late'], columns)).toBe(
      'a new row,True,False\n',
    );
    const typed = '{"text":"one","late":true,"rude":false}\n{"text":"two","late":true,"rude":true}\n';
    expect(await added('marks.jsonl', typed, ['rude'], columns)).toBe(
      '{"text":"a new row","late":false,"rude":true}\n',
    );
  });

  it('are refused where the file cannot hold them', async () => {
    const joined = 'text,labels\none row,late|rude\nanother row,late\n';
    await expect(added('odd.csv', joined, ['a|b'], { label_separator: '|' })).rejects.toThrow(
      'The label “a|b” contains “|”, which stands between labels',
    );
    await expect(
      added('none.csv', 'text,late,rude\none,1,0\ntwo,0,1\n', ['angry'], { label_columns: ['late', 'rude'] }),
    ).rejects.toThrow('none.csv has no column for “angry”');
  });
});

describe('sentences with tags', () => {
  async function added(name: string, content: string, tokens: string[], tags: string[]): Promise<string> {
    const data = join(base, name);
    await writeFile(data, content);
    const { undo, line } = await appendRows({
      ...{ data, columns: {}, task: 'token-classification' as const, rows: [{ tokens, tags }] },
    });
    const now = await readFile(data, 'utf8');
    const found = await listRows({ data, columns: {}, limit: 5, text: tokens.join(' ') }, TAGGED);
    expect(found.rows).toMatchObject([{ line, tokens, tags }]);
    await undoAppend({ undo });
    expect(await readFile(data, 'utf8')).toBe(content);
    return now.slice(content.length);
  }
  const words = ['Ada', 'sings'];
  const tags = ['B-PER', 'O'];

  it('are written as the others are: CoNLL’s lines after a blank one, lists of JSON', async () => {
    expect(await added('a.conll', 'Bob B-PER\nis O\n\nIn O\nRome B-LOC\n', words, tags)).toBe('\nAda B-PER\nsings O\n');
    expect(await added('b.conll', 'Bob\tNNP\tI-NP\tB-PER\r\nis\tVBZ\tI-VP\tO\r\n\r\n', words, tags)).toBe(
      'Ada\t_\t_\tB-PER\r\nsings\t_\t_\tO\r\n',
    );
    expect(await added('c.conll', '-DOCSTART- O\n\nBob B-PER\nis O', words, tags)).toBe('\n\nAda B-PER\nsings O\n');
    const json = '{"id":1,"tokens":["Bob","is"],"ner_tags":["B-PER","O"]}\n';
    expect(await added('d.jsonl', json, words, tags)).toBe('{"tokens":["Ada","sings"],"ner_tags":["B-PER","O"]}\n');
  });

  it('are refused where a word, its tags or the file do not allow it', async () => {
    const conll = 'Bob B-PER\nis O\n';
    await expect(added('e.conll', conll, ['New York'], ['B-LOC'])).rejects.toThrow(
      'cannot contain the word “New York”',
    );
    await expect(added('f.conll', conll, words, ['O'])).rejects.toThrow('does not have one tag for each word');
    await expect(added('g.jsonl', '{"tokens":["Bob"],"tags":[1]}\n', words, tags)).rejects.toThrow(
      'g.jsonl has numbers for tags',
    );
  });
});
