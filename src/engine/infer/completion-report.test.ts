import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type LearnedCompletion, lineOf } from '../../completions/learned.ts';
import { completionReportText, isBetter } from '../../protocol/index.ts';
import { collectFiles } from '../collect/collect.ts';
import { completionReport } from './completion-report.ts';

const STARTER = join(import.meta.dirname, '../../../starters/decoder');

it('files and accepted completions that are held out are measured each by themselves; a model is no better than itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'luthier report ü-'));
  try {
    const completions = join(folder, '.learned.jsonl');
    const rows = Array.from({ length: 24 }, (_, i): LearnedCompletion => {
      const prompt = `Page ${i}\nThe old man ${i} went to the`;
      return {
        ...{ id: `${i}`, at: '2026-11-27T08:00:00.000Z', outcome: 'accepted', edited: false, language: 'markdown' },
        ...{ model: 'm', prompt, suggestion: ' old', completion: ` old house ${i}.`, after: '' },
      };
    });
    await writeFile(completions, rows.map(lineOf).join(''));
    for (let i = 0; i < 6; i++)
      await writeFile(
        join(folder, `${i}.md`),
        `Day ${i}. A ${'cat dog cow hen fox bee'.split(' ')[i]} went home at ${i * 3}.\n`,
      );
    const made = await collectFiles({ folder, home: join(folder, '.luthier'), name: 'u', completions });
    const report = await completionReport({
      ...{ model: STARTER, base: STARTER, baseName: 'starters/decoder', dataset: made.path, from: folder },
      ...{ lines: 1, seed: 42, note: () => {} },
    });
    expect(report).toMatchObject({ split: 'validation', files: 1, accepted: { rows: made.completions!.held_out } });
    const { base, model, interval } = report.accepted!.bits_per_byte;
    expect(model).toBe(base);
    expect(model).toBeGreaterThan(0.3);
    expect(model).toBeLessThan(6);
    expect(interval).toEqual({ low: 0, high: 0 });
    expect(isBetter(report)).toBe(false);
    expect(completionReportText(report)[2]).toMatch(/^Of \d+ completions that you accepted and it has not learned/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('better is one of both beyond chance, and neither worse', () => {
  const bits = (base: number, model: number, low: number | null) => ({
    ...{ base, model, interval: low === null ? null : { low, high: low + 1 } },
  });
  const better = (files: ReturnType<typeof bits>, accepted?: ReturnType<typeof bits>) =>
    isBetter({ bits_per_byte: files, ...(accepted && { accepted: { rows: 4, bits_per_byte: accepted } }) });
  expect(better(bits(2, 1, 0.5))).toBe(true);
  expect(better(bits(2, 1, -0.5))).toBe(false);
  expect(better(bits(2, 1, 0.5), bits(2, 2, 0))).toBe(true);
  expect(better(bits(2, 2, null), bits(2, 1, 0.5))).toBe(true);
  expect(better(bits(2, 1, 0.5), bits(2, 2.01, -0.3))).toBe(false);
  expect(better(bits(2, 1.9, -0.1), bits(2, 1.9, -0.1))).toBe(false);
});
