import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectData } from './inspect.ts';
import { readTable } from './read.ts';

/** Contents that grow with `n` in ways that have been slow: in columns, cells, quotes, keys, lines without an end. */
const SHAPES: Record<string, { file: string; text: (n: number) => string; most: number }> = {
  rows: {
    file: 'x.csv',
    most: 6_000,
    text: (n) => `text,label\n${'some words of a text,pos\nothers,neg\n'.repeat(n)}`,
  },
  'JSON Lines of different keys': {
    file: 'x.jsonl',
    most: 2_000,
    text: (n) => Array.from({ length: n }, (_, i) => `{"text":"t","label":"${i % 2}","k${i}":"a"}`).join('\n'),
  },
  'a header of equal names': {
    file: 'x.csv',
    most: 4_900,
    text: (n) => `${Array(n).fill('label').join(',')}\n${Array(n).fill('a').join(',')}\n`.repeat(2),
  },
  'rows of delimiters': { file: 'x.csv', most: 60_000, text: (n) => `text,label\n${`a${','.repeat(n)}\n`.repeat(4)}` },
  'cells that begin with quotes': {
    file: 'x.csv',
    most: 30_000,
    text: (n) => `text,label\n${Array(n).fill('"a""b"').join(',')}\n`,
  },
  'wide rows': {
    file: 'x.csv',
    most: 10,
    text: (n) =>
      `${Array.from({ length: 5000 }, (_, i) => `c${i}`).join(',')}\n${`${Array(5000).fill('"a"').join(',')}\n`.repeat(n)}`,
  },
  'one quote that is never closed': {
    file: 'x.csv',
    most: 200_000,
    text: (n) => `text,label\na,"b${' c,d\n'.repeat(n)}`,
  },
  'a header that stands again': { file: 'x.csv', most: 20_000, text: (n) => 'text,label\n'.repeat(n) },
  'one long line': { file: 'x.jsonl', most: 1_000_000, text: (n) => `{"text":"${'x'.repeat(n)}","label":"a"}\n` },
  'deep JSON': { file: 'x.json', most: 200_000, text: (n) => `[{"text":${'['.repeat(n)}${']'.repeat(n)}}]` },
  backslashes: { file: 'x.jsonl', most: 300_000, text: (n) => `{"text":"${'\\\\'.repeat(n)}","label":1}\n` },
  bars: { file: 'x.md', most: 6_000, text: (n) => `|text|label|\n|-|-|\n${'|a|b|\n'.repeat(n)}${'|'.repeat(n)}\n` },
  'letters that are not UTF-8': {
    file: 'x.csv',
    most: 4_000,
    text: (n) => `text,label\n${'caf\u00e9 au lait,a\nth\u00e9,b\n'.repeat(n)}`,
  },
};

const bytesOf = (name: string, n: number) => {
  const { text } = SHAPES[name]!;
  return name.startsWith('letters') ? Buffer.from(text(n), 'latin1').toString('latin1') : text(n);
};

async function look(name: string, n: number): Promise<unknown> {
  const { file } = SHAPES[name]!;
  return inspectData({ file, text: bytesOf(name, n) }).catch((error: { code?: string }) => {
    if (error.code === undefined) throw error;
  });
}

/** Milliseconds of the processor's time: what others do on the machine does not count. The least of some tries. */
async function cost(work: () => Promise<unknown>, tries = 2): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < tries; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** Below this, compilation and garbage decide. */
const FLOOR_MS = 150;

describe('time grows as the file does', () => {
  it.each(Object.keys(SHAPES))('%s', { timeout: 120_000 }, async (name) => {
    const { most } = SHAPES[name]!;
    await look(name, Math.ceil(most / 4));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: Math.ceil(most / 2), max: most }), async (n) => {
        const once = await cost(() => look(name, n));
        const twice = await cost(() => look(name, 2 * n));
        expect(twice).toBeLessThan(2.6 * once + FLOOR_MS);
      }),
      { numRuns: 2 },
    );
  });
});

describe('a cancellation is heard at once', () => {
  it.each(Object.keys(SHAPES))('%s', { timeout: 60_000 }, async (name) => {
    const { file, most } = SHAPES[name]!;
    const text = bytesOf(name, 2 * most);
    const controller = new AbortController();
    let before: NodeJS.CpuUsage | undefined;
    setTimeout(() => {
      before = process.cpuUsage();
      controller.abort();
    }, 25);
    const end = await inspectData({ file, text, signal: controller.signal }).catch(
      (error: { code?: string }) => error.code,
    );
    // What was done sooner than it could be cancelled is as good.
    if (!before || end !== 'cancelled') return;
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(100);
  });
});

describe('tables have at most 10,000 columns', () => {
  it.each([
    ['x.csv', `${Array.from({ length: 10_001 }, (_, i) => `c${i}`).join(',')}\n${'a,'.repeat(10_000)}a\n`],
    ['x.jsonl', Array.from({ length: 10_001 }, (_, i) => `{"k${i}":1}`).join('\n')],
    ['x.json', `[${Array.from({ length: 10_001 }, (_, i) => `{"k${i}":1}`).join(',')}]`],
    ['x.md', `${'|c'.repeat(10_001)}|\n${'|-'.repeat(10_001)}|\n${'|a'.repeat(10_001)}|\n`],
  ])('%s', async (file, text) => {
    await expect(readTable({ file, text })).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringContaining('more than 10,000 columns'),
    });
  });

  it('10,000 are read', async () => {
    const header = Array.from({ length: 10_000 }, (_, i) => `c${i}`).join(',');
    const table = await readTable({ file: 'x.csv', text: `${header}\n${'a,'.repeat(9_999)}b\n` });
    expect(table.columns).toHaveLength(10_000);
    expect(table.rows.at(0)!.value(9_999)).toBe('b');
  });
});

describe('what is shown of a file is short', () => {
  it('however long its cells are', async () => {
    const text = `text,label\n${'word '.repeat(1000)},${'x'.repeat(5000)}\n${'other '.repeat(1000)},b\nc,b\nd,b\n`;
    const summary = await inspectData({ file: 'x.csv', text });
    expect(JSON.stringify(summary).length).toBeLessThan(4000);
    expect(summary.columns[0]!.examples[0]).toMatch(/^(word )+.*…$/);
    expect(summary.columns[0]!.distinct).toBe(4);
  });
});
