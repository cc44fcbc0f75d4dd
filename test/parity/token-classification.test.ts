import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import { tokenClassification } from '../../src/engine/tasks/token-classification/task.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

/** What token_figures.py wrote. */
interface Figures {
  config: Record<string, unknown>;
  num_labels: number;
  deviation: number;
  texts: { ids: number[]; labels: number[] }[];
  loss: number;
  logits: number[][][];
  gradients: Record<string, number[]>;
}
const FAMILIES = { BERT: '', RoBERTa: '-roberta', DistilBERT: '-distilbert' };

describe.each(EXECUTORS)('Token classifiers: $title', ({ isThere, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each(Object.entries(FAMILIES))(
    '%s: logits of every token, loss and every gradient are transformers’',
    async (_, suffix) => {
      const f = JSON.parse(readFileSync(figures(`token-classification${suffix}.json`), 'utf8')) as Figures;
      const items = f.texts.map(({ ids, labels }) => ({
        ids: Int32Array.from(ids),
        typeIds: null,
        labels: Int32Array.from(labels),
      }));
      const labelled = items.reduce((n, { labels }) => n + labels.filter((label) => label >= 0).length, 0);
      const model = new TaskModel({
        executor,
        architecture: architectureOf(f.config, 'config.json', tokenClassification),
        numLabels: f.num_labels,
        padId: 0,
        isTrained: () => true,
        accumulate: false,
        loss: classLoss(),
        maxBatch: { texts: items.length, tokens: 13 },
        seed: 5,
      });
      const { parameters } = model.store;
      expect([...parameters.keys()].sort()).toEqual(Object.keys(f.gradients).sort());
      for (const { name, weight: target } of parameters.values()) target.set(weight(name, target.length, f.deviation));
      model.device?.replaced('weights');
      expect(relativeError(await model.logits(items), f.logits.flat(2))).toBeLessThan(1e-5);
      if (model.device) return model.dispose();
      const { loss } = await model.gradients(items, { weight: 1 / labelled, microStep: 0, slots: items.length });
      expect(Math.abs(loss / f.loss - 1)).toBeLessThan(1e-5);
      const largest = Math.max(...Object.values(f.gradients).flat().map(Math.abs));
      for (const [name, expected] of Object.entries(f.gradients)) {
        const { gradient } = parameters.get(name)!.trained!;
        // A key's bias has no gradient; what stands there is noise.
        expect(relativeError(gradient, expected, 1e-3 * largest), name).toBeLessThan(1e-4);
      }
      model.dispose();
    },
  );
});
