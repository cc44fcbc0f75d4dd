import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Described, printResult, printSize, resultOf, saveResult, writeMarkdown } from './results.ts';
import type { Measured, SizeResult } from './spec.ts';

const root = mkdtempSync(path.join(tmpdir(), 'luthier-results-'));
afterAll(() => rmSync(root, { recursive: true }));

const measured = (wall: number, accuracy: number): Measured => ({
  figures: { wall },
  peak_rss_bytes: wall * 1e6,
  accuracy,
});
const described: Described = {
  name: 'train-6920',
  what: 'a whole job',
  target: 0.5,
  command: 'npx luthier bench train-6920',
  figure: 'wall',
  rounds: [
    { luthier: measured(80, 0.85), pytorch: measured(200, 0.86) },
    { luthier: measured(90, 0.87), pytorch: measured(180, 0.85) },
    { luthier: measured(85, 0.86), pytorch: measured(170, 0.87) },
  ],
  rates: { luthier: 200, pytorch: 100 },
  operations: 8.5e9,
  versions: { PyTorch: '2' },
};

describe('a result', () => {
  const result = resultOf('pytorch', described);

  it('is of medians, and of the ratio in each pair', () => {
    expect(result).toMatchObject({ ms: 85, peer_ms: 180, ratio: 0.5, ratios: [0.4, 0.5, 0.5], target: 0.5 });
    expect(result.fraction_of_limit).toBeCloseTo(0.5);
    expect(result.peer_fraction_of_limit).toBeCloseTo(8.5e9 / 100e6 / 180);
  });

  it('shows both sides’ accuracy by pair, and the means', () => {
    expect(printResult(result)).toContain(
      'accuracy, same seeds: ours 0.850 0.870 0.860, mean 0.8600; pytorch 0.860 0.850 0.870, mean 0.8600',
    );
  });

  it('takes the place of an older one in the file, RESULTS.md and the README', async () => {
    await mkdir(path.join(root, 'bench'));
    const readme = path.join(root, 'README.md');
    writeFileSync(readme, 'a\n<!-- made by luthier bench -->\noutdated\n<!-- end of what luthier bench makes -->\nb\n');
    for (const ms of [1, 2]) saveResult(root, { ...result, ms }, ['train-6920']);
    writeMarkdown(root);
    expect(JSON.parse(readFileSync(path.join(root, 'bench/results.json'), 'utf8'))).toHaveLength(1);
    expect(readFileSync(path.join(root, 'bench/RESULTS.md'), 'utf8')).toContain(
      '| a whole job | 2 ms | pytorch 180 ms |',
    );
    const text = readFileSync(readme, 'utf8');
    expect(text).toMatch(/^a\n<!-- made/);
    expect(text).toMatch(/makes -->\nb\n$/);
    expect(text).not.toContain('outdated');
    expect(text).toContain('| a whole job | 2 ms / 180 ms: **0.50** |');
    expect(text).not.toContain('target');
    expect(text.split('\n').length).toBeLessThanOrEqual(10 + 3);
  });

  it('without a peer stands in a table of its own, and not in the README', () => {
    const alone: SizeResult = {
      ...{ case: 'rows-1m', measures: 'a million rows', ms: 21_000, peer: null, peak_rss_bytes: 1.5e9 },
      ...{
        target_ms: 60_000,
        target_bytes: 2e9,
        machine: result.machine,
        versions: { Luthier: '1' },
        date: '2999-01-01',
      },
      command: 'npx luthier bench rows-1m',
    };
    saveResult(root, alone, ['train-6920', 'rows-1m']);
    writeMarkdown(root);
    const text = readFileSync(path.join(root, 'bench/RESULTS.md'), 'utf8');
    expect(text).toContain(
      '| a million rows | 21.0 s | ≤ 60.0 s | 1.50 GB | ≤ 2.00 GB | `npx luthier bench rows-1m` |',
    );
    expect(text).toContain('| a whole job | 2 ms | pytorch 180 ms |');
    expect(readFileSync(path.join(root, 'README.md'), 'utf8')).not.toMatch(/million|2999/);
    expect(printSize(alone)).toContain('21.0 s (target 60.0 s), 1.50 GB at most (target 2.00 GB)');
  });

  it('names the versions and days of what is shown, and of nothing else', () => {
    const earlier = { ...result, case: 'bert-base', versions: { PyTorch: '1' }, date: '2000-01-01' };
    saveResult(root, earlier, ['bert-base', 'train-6920', 'rows-1m']);
    writeMarkdown(root);
    expect(readFileSync(path.join(root, 'README.md'), 'utf8')).toContain('is faster. PyTorch 1; 2000-01-01.');
    const all = readFileSync(path.join(root, 'bench/RESULTS.md'), 'utf8');
    expect(all).toContain(`PyTorch 1 and 2, Luthier 1; 2000-01-01, ${result.date}, 2999-01-01.`);
  });

  it('stands beside that of another machine, which may lack it', () => {
    const elsewhere = { ...result, case: 'bert-base', machine: 'zz, 8 cores', ms: 7, ratio: 0.75 };
    saveResult(root, elsewhere, ['bert-base', 'train-6920', 'rows-1m']);
    saveResult(root, { ...elsewhere, case: 'minilm', measures: 'not in the README' }, ['bert-base']);
    writeMarkdown(root);
    const text = readFileSync(path.join(root, 'README.md'), 'utf8');
    expect(text).toContain(`|  | ${result.machine} | zz, 8 cores |`);
    expect(text).toMatch(/\| a whole job \| .+: \*\*0\.50\*\* \| 7 ms \/ .+: \*\*0\.75\*\* \|/);
    expect(text).not.toContain('not in the README');
  });
});
