import { describe, expect, it } from 'vitest';
import { countsOf } from './card-counts.ts';
import { CASES, type StepCase } from './cases.ts';

const modelOf = (name: string) => (CASES[name] as StepCase).model;

describe('a step on a graphics card', () => {
  it('updates BERT-base in at most 60 nodes, whatever the batch', () => {
    const { update, spread, transposedProducts } = countsOf(modelOf('bert-base'));
    expect(update.nodes).toBeLessThanOrEqual(60);
    // 201 parameters, of which three are cut and put together again, and 74 matrices the other way round.
    expect(spread.nodes).toBe(201 + 2 * 3 + 74);
    // So no product of the loss or the gradients has to transpose a weight.
    expect(transposedProducts).toBe(0);
    const larger = countsOf({ ...modelOf('bert-base'), batch: 32 });
    expect(larger.update).toEqual(update);
  });

  it('transposes for attention alone, and each value once', () => {
    const { layers } = modelOf('bert-base');
    const [without, dropout, lora] = ['bert-base', 'bert-base-dropout', 'bert-base-lora'].map((name) =>
      countsOf(modelOf(name)),
    );
    // Queries, keys, values, what attention gives and its gradient, its probabilities, and the gradients of the first three.
    expect(without!.transposes).toBe(9 * layers);
    // Masks as well.
    expect(dropout!.transposes).toBe(10 * layers);
    // Keys of the first layer have no gradient.
    expect(lora!.transposes).toBe(9 * layers - 1);
    expect([without, dropout, lora].map((counts) => counts!.training.nodes)).toEqual([1216, 1596, 1157]);
  });

  it('casts in float16 what goes into products and comes out of them, and updates in as few nodes', () => {
    const [wide, narrow] = [false, true].map((float16) => countsOf(modelOf('bert-base'), { float16 }));
    expect(narrow!.training.nodes - wide!.training.nodes).toBe(narrow!.casts - wide!.casts);
    // Some fifty for each of the twelve layers (bench/NOTES.md).
    expect(narrow!.casts - wide!.casts).toBe(550);
    expect(narrow!.update.nodes).toBe(wide!.update.nodes);
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
