import { describe, expect, it } from 'vitest';
import { bitsPerByte, foretold, pairedInterval } from './compare-texts.ts';
import { type Complete, replay } from './replay.ts';

const FILE = { file: '/w/a.ts', text: 'const a = 1;\n  return first + second;\nx\n' };
/** Suggests what stands in the table after a beginning. */
const knowing =
  (table: Record<string, string>, asked: string[] = []): Complete =>
  async ({ before, language, after }) => {
    expect([language, after]).toEqual(['typescript', '']);
    asked.push(before.slice(before.lastIndexOf('\n') + 1));
    const text = table[asked.at(-1)!];
    return { items: text === undefined ? [] : [{ text, tokens: 1, score: 0, stopped: 'line' }] };
  };
const options = { lines: 10, seed: 1 };

describe('replay', () => {
  it('asks at the beginning of a line and after each word, and counts what is accepted but a key', async () => {
    const asked: string[] = [];
    const result = await replay(
      [FILE],
      knowing({ '  ': 'return first', '  return first +': ' wrong' }, asked),
      options,
    );
    expect(asked).toEqual(
      [
        'const',
        'const a',
        'const a =',
        'const a = 1',
        '  ',
        '  return first',
        '  return first +',
        '  return first + second',
      ].filter((it) => it !== ''),
    );
    expect(result).toEqual({
      ...{ lines: 2, files: 1, characters: 12 + 22, saved: 'return first'.length - 1, shown: 2, accepted: 1 },
      interval: null,
    });
  });

  it('does not accept what goes on beyond the line, or is other than what stands there', async () => {
    const result = await replay([FILE], knowing({ '  ': 'return first + second;\nx', const: ' b = 1;' }), options);
    expect(result).toMatchObject({ shown: 2, accepted: 0, saved: 0 });
  });

  it('draws the same lines for the same seed, and gives an interval from ten on', async () => {
    const text = Array.from({ length: 40 }, (_, i) => `line number ${i} of many\n`).join('');
    const file = { file: 'b.ts', text };
    const complete: Complete = async ({ before }) => ({
      items: before.endsWith('line') ? [{ text: ' number', tokens: 1, score: 0, stopped: 'line' }] : [],
    });
    const [a, b] = [
      await replay([file], complete, { lines: 12, seed: 3 }),
      await replay([file], complete, { lines: 12, seed: 3 }),
    ];
    expect(a).toEqual(b);
    expect(a).toMatchObject({ lines: 12, saved: 12 * 6 });
    expect(a.interval!.low).toBeLessThanOrEqual(a.saved / a.characters);
    expect(a.interval!.high).toBeGreaterThanOrEqual(a.saved / a.characters);
  });

  it('has nothing to type in files without lines', async () => {
    expect(await replay([{ file: 'a.ts', text: '\n\nx\n' }], knowing({}), options)).toMatchObject({
      lines: 0,
      characters: 0,
    });
  });
});

describe('bits by byte', () => {
  it('leaves out the token that ends a text, and what is not learnt', () => {
    const item = (row: number, labels: number[], bytes: number, ends: boolean) =>
      ({ row, labels: Int32Array.from(labels), ids: Int32Array.from(labels), bytes, ends }) as never;
    const items = [item(0, [5, 6, -100], 4, true), item(1, [7, -100], 2, false)];
    const each = foretold(2, items, Float32Array.from([Math.LN2 * 4, 9, 0, Math.LN2 * 2, 0]));
    expect(each[0]!.nats).toBeCloseTo(Math.LN2 * 4, 6);
    expect(bitsPerByte(each)).toBeCloseTo(1, 6);
  });

  it('says that a model is better where it is on every row, and not where rows differ', () => {
    const rows = (nats: number[]) => nats.map((n) => ({ nats: n, bytes: 10 }));
    const before = rows([10, 12, 14, 9, 11, 13]);
    const better = pairedInterval(before, rows([9, 11, 13, 8, 10, 12]))!;
    expect(better.low).toBeCloseTo(0.1 / Math.LN2, 6);
    const unsure = pairedInterval(before, rows([2, 20, 6, 17, 3, 21]))!;
    expect(unsure.low).toBeLessThan(0);
    expect(unsure.high).toBeGreaterThan(0);
    expect(pairedInterval(before.slice(0, 1), before.slice(0, 1))).toBeNull();
  });
});
