import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { allOk, judgeAll, type RunOptions, read, run, TOLERANCE } from './bert-run.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError } from './values.ts';

/** What decoder_figures.py wrote. */
const NAMES = readdirSync(figures('decoders'))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length));

describe.each(EXECUTORS)("Decoders against transformers' in float64: $title", ({ isThere, isSlow, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  const ways: [string, RunOptions][] = [
    ['one text a row', {}],
    ['packed, several texts a row', { packedInto: 26 }],
  ];
  // The same programs run everywhere: where that takes long, one of each kind does.
  const cases = (isSlow ? NAMES.filter((name) => ['gpt2', 'llama'].includes(name)) : NAMES).flatMap((name) =>
    ways.map(([way, options]) => [name, way, options] as const),
  );
  test.skipIf(!isThere).each(cases)('%s, %s: every gradient', { timeout: 240_000 }, async (name, _, options) => {
    const f = read(`decoders/${name}.json`);
    const result = await run(executor, f, options);
    expect(relativeError(result.logits, f.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [f.loss])).toBeLessThan(TOLERANCE);
    expect(await judgeAll(result.gradients, f, `decoders/${name}.safetensors`)).toEqual(allOk(result.gradients.keys()));
  });
});
