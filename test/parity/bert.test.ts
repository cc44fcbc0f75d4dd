import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { allOk, judge, judgeAll, type RunOptions, read, run, TOLERANCE } from './bert-run.ts';
import { EXECUTORS } from './executors.ts';
import { relativeError } from './values.ts';

const small = read('bert-small.json');
const base = read('bert-base.json');

describe.each(EXECUTORS)("BERT against transformers' in float64: $title", ({ isThere, isSlow, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each<[string, string, RunOptions]>([
    ['one text a row', 'bert-small', {}],
    ['packed, several texts a row', 'bert-small', { packedInto: 26 }],
    ['dropout at every site, by given masks', 'bert-small-dropout', { dropout: true }],
  ])('2 layers of 32, %s: every gradient, element by element', { timeout: 240_000 }, async (_, name, options) => {
    const f = read(`${name}.json`);
    const result = await run(executor, f, options);
    if (!options.dropout) expect(relativeError(result.logits, f.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [f.loss])).toBeLessThan(TOLERANCE);
    expect(await judgeAll(result.gradients, f, `${name}.safetensors`)).toEqual(allOk(result.gradients.keys()));
  });

  test.skipIf(!isThere)('frozen parameters get no gradient and change no other', { timeout: 240_000 }, async () => {
    const isTrained = (name: string) => !name.includes('embeddings') && !name.includes('layer.0');
    const all = await run(executor, small);
    const some = await run(executor, small, { isTrained });
    expect([...some.gradients.keys()]).toEqual([...all.gradients.keys()].filter(isTrained));
    for (const [name, gradient] of some.gradients) {
      const whole = all.gradients.get(name)!;
      expect(judge(name, gradient, small, (floor) => relativeError(gradient, whole, floor))).toBe('ok');
    }
  });

  const why = isSlow ? ' (skipped: too slow in software)' : '';
  const title = `2 layers of 768, 8 × 128 tokens with repeats: norms and samples of every gradient${why}`;
  test.skipIf(!isThere || isSlow)(title, { timeout: 300_000 }, async () => {
    const result = await run(executor, base);
    expect(relativeError(result.logits, base.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [base.loss])).toBeLessThan(TOLERANCE);
    const verdicts: Record<string, string> = {};
    for (const [name, { norm, max, at, values }] of Object.entries(base.gradients!)) {
      const gradient = result.gradients.get(name)!;
      verdicts[name] = judge(name, gradient, base, (floor) => {
        const samples = at.map((i) => gradient[i]!);
        const ours = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
        return Math.max(relativeError(samples, values, Math.max(floor, max)), relativeError([ours], [norm], floor));
      });
    }
    expect(verdicts).toEqual(allOk(result.gradients.keys()));
  });
});
