import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Architecture } from '../../src/engine/models/architecture.ts';
import { architectureFor, isTrainedBy } from '../../src/engine/strategies/apply.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import type { Strategy } from '../../src/protocol/index.ts';
import { allOk, type Figures, judgeAll, type RunOptions, read, run, TOLERANCE } from './bert-run.ts';
import { EXECUTORS } from './executors.ts';
import { besidePeft } from './peft-training.ts';
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
    ['DoRA, dropout by given masks', 'lora-dora', { dropout: true }],
  ])('%s: logits, loss and every gradient', { timeout: 240_000 }, async (_, name, options) => {
    const f = read(`${name}.json`) as LoraFigures;
    let adapted: Architecture | undefined;
    const adapt = (architecture: Architecture) => {
      adapted = architectureFor(f.strategy, architecture);
      return adapted;
    };
    const isTrained = (parameter: string) => isTrainedBy(f.strategy, adapted!)(parameter);
    const result = await run(executor, f, { ...options, adapt, isTrained });
    expect(relativeError(result.logits, f.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [f.loss])).toBeLessThan(TOLERANCE);
    expect(await judgeAll(result.gradients, f, `${name}.safetensors`)).toEqual(allOk(result.gradients.keys()));
  });
});

besidePeft('adapters', 'lora-training.json', 1);
