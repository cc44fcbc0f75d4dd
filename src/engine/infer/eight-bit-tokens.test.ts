import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { type OpenModel, openModel } from '../model-files/open-model.ts';
import { isProductWeight } from '../models/architecture.ts';
import { CachedModel } from './cached-model.ts';
import { indexOfLargest } from './logits.ts';

const starter = fileURLToPath(new URL('../../../starters/decoder', import.meta.url));
const TOKENS = 40;

/** The pass as it is, or none; and of which operators it made the programs of one token. */
const pass = vi.hoisted(() => ({ isOn: true, made: new Set<string>() }));
vi.mock('../tensor/graph/passes/single-nodes.ts', async (original) => {
  const { asSingleNodes } = await original<typeof import('../tensor/graph/passes/single-nodes.ts')>();
  return {
    asSingleNodes(graph: Parameters<typeof asSingleNodes>[0]) {
      const made = pass.isOn ? asSingleNodes(graph) : graph;
      for (const { op } of made.nodes) pass.made.add(op);
      return made;
    },
  };
});

let open: OpenModel | undefined;
afterEach(() => open?.dispose());

/**
 * The logits behind each token that a text is continued with.
 * @param given the tokens; without, the likeliest ones
 */
async function written(
  text: string,
  { eightBit, given }: { eightBit: boolean; given?: readonly number[] },
): Promise<{ tokens: number[]; logits: Float32Array[] }> {
  open?.dispose();
  open = await openModel(starter, 'onnxruntime');
  const { model, tokenizer } = open;
  // As completions are written.
  const isHeld = isProductWeight(model.architecture);
  const sizes = { lengths: [64], capacity: 128 };
  const cached = new CachedModel(model, sizes, eightBit ? { isHeld } : undefined);
  const tokens: number[] = [];
  const logits: Float32Array[] = [];
  let next = (await cached.resume([...tokenizer.encodeBare(text).ids])).logits;
  while (tokens.length < TOKENS) {
    tokens.push(given?.[tokens.length] ?? indexOfLargest(next));
    next = (await cached.next([tokens.at(-1)!], [0]))[0]!;
    logits.push(next.slice());
  }
  return { tokens, logits };
}

/** Root of the squared difference of all logits over that of the wanted ones. */
function errorOf(got: readonly Float32Array[], wanted: readonly Float32Array[]): number {
  let [difference, whole] = [0, 0];
  for (const [i, logits] of wanted.entries())
    for (const [j, x] of logits.entries()) {
      difference += (x - got[i]![j]!) ** 2;
      whole += x ** 2;
    }
  return Math.sqrt(difference / whole);
}

// The likeliest tokens need not be the same: an activation near the middle of two 8-bit numbers is rounded to the other
// one, which decides between tokens that are nearly as likely.
it('with norms and rotations as one node each, 8 bits are as near to the floats as without', async () => {
  const text = 'Once upon a time there was a little boy who';
  const { tokens: given, logits: float } = await written(text, { eightBit: false });
  pass.isOn = false;
  pass.made.clear();
  const { logits: without } = await written(text, { eightBit: true, given });
  expect(pass.made.size).toBeGreaterThan(0);
  expect([...pass.made]).not.toContain('RotaryEmbedding');
  pass.isOn = true;
  const { logits: alike } = await written(text, { eightBit: true, given });
  expect([...pass.made]).toEqual(expect.arrayContaining(['RotaryEmbedding', 'SimplifiedLayerNormalization']));
  const [own, other] = [errorOf(alike, float), errorOf(without, float)];
  expect(own).toBeLessThan(1.2 * other);
  expect(errorOf(alike, without)).toBeLessThan(other);
  const likeliest = float.map(indexOfLargest);
  expect(alike.filter((logits, i) => indexOfLargest(logits) === likeliest[i]).length).toBeGreaterThan(0.9 * TOKENS);
});
