import { describe, expect, it } from 'vitest';
import { countsOf } from './card-counts.ts';
import { CASES, type StepCase } from './cases.ts';

const modelOf = (name: string) => (CASES[name] as StepCase).model;

describe('a step on a graphics card', () => {
  it('updates BERT-base in at most 60 nodes, whatever the batch', () => {
    const { update, spread, transposedProducts, transposes } = countsOf(modelOf('bert-base'));
    expect(update.nodes).toBeLessThanOrEqual(60);
    // 201 parameters, of which three are cut and put together again, and 74 matrices the other way round.
    expect(spread.nodes).toBe(201 + 2 * 3 + 74);
    // So no product of the loss or the gradients has to transpose a weight; what is transposed there is attention's.
    expect(transposedProducts).toBe(0);
    expect(transposes).toBe(12 * modelOf('bert-base').layers);
    const larger = countsOf({ ...modelOf('bert-base'), batch: 32 });
    expect(larger.update).toEqual(update);
  });

  it('sends no masks to the card, but a number for each of their rows', () => {
    const [without, dropout] = ['bert-base', 'bert-base-dropout'].map((name) => countsOf(modelOf(name)));
    const { layers, heads, batch, length, hidden } = modelOf('bert-base');
    const tokens = batch * length;
    // The embeddings, all layers but the last, of which the first token of each text is computed, and the head.
    const rows = tokens + (layers - 1) * (heads + 2) * tokens + (heads + 2) * batch + batch;
    expect(dropout!.sent - without!.sent).toBe(4 * rows);
    const masks = (layers - 1) * (heads * tokens * length + 2 * tokens * hidden);
    expect(dropout!.sent - without!.sent).toBeLessThan(masks / 50);
  });
});
