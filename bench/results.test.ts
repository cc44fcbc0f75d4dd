import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Described, printResult, resultOf, saveResult, writeMarkdown } from './results.ts';
import type { Measured } from './spec.ts';

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
    writeFileSync(readme, 'a\n<!-- made by luthier bench -->\nold\n<!-- end of what luthier bench makes -->\nb\n');
    for (const ms of [1, 2]) saveResult(root, { ...result, ms }, ['train-6920']);
    writeMarkdown(root);
    expect(JSON.parse(readFileSync(path.join(root, 'bench/results.json'), 'utf8'))).toHaveLength(1);
    expect(readFileSync(path.join(root, 'bench/RESULTS.md'), 'utf8')).toContain(
      '| a whole job | 2 ms | pytorch 180 ms |',
    );
    const text = readFileSync(readme, 'utf8');
    expect(text).toMatch(/^a\n<!-- made/);
    expect(text).toMatch(/makes -->\nb\n$/);
    expect(text).not.toContain('old');
    expect(text).toContain('| a whole job | 2 ms | 180 ms | **0.50** |');
    expect(text).not.toContain('target');
    expect(text.split('\n').length).toBeLessThanOrEqual(10 + 3);
  });
});
