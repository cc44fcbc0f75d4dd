import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/engine/executors/executor.ts';
import type { Encoder } from '../../src/engine/models/encoder.ts';
import { encoderFor, isTrainedBy } from '../../src/engine/strategies/apply.ts';
import type { Strategy } from '../../src/protocol/index.ts';
import { allOk, type Figures, judgeAll, type RunOptions, read, run, TOLERANCE } from './bert-run.ts';
import { EXECUTORS } from './executors.ts';
import { relativeError } from './values.ts';

/** What lora_figures.py wrote. */
type LoraFigures = Figures & { strategy: Strategy };

describe.each(EXECUTORS)("LoRA against peft's in float64: $title", ({ isThere, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each<[string, string, RunOptions]>([
    ['query and value, one text a row', 'lora-query-value', {}],
    ['query and value, packed', 'lora-query-value', { packedInto: 26 }],
    ['every linear layer, dropout by given masks', 'lora-all-linear', { dropout: true }],
  ])('%s: logits, loss and every gradient', { timeout: 240_000 }, async (_, name, options) => {
    const f = read(`${name}.json`) as LoraFigures;
    let adapted: Encoder | undefined;
    const adapt = (encoder: Encoder) => {
      adapted = encoderFor(f.strategy, encoder);
      return adapted;
    };
    const isTrained = (parameter: string) => isTrainedBy(f.strategy, adapted!)(parameter);
    const result = await run(executor, f, { ...options, adapt, isTrained });
    expect(relativeError(result.logits, f.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [f.loss])).toBeLessThan(TOLERANCE);
    expect(await judgeAll(result.gradients, f, `${name}.safetensors`)).toEqual(allOk(result.gradients.keys()));
  });
});
