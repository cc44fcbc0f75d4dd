import type * as Ort from 'onnxruntime-node';
import type { Target } from '../graph/optimize.ts';
import { type BothWays, formsNamed, quantizeBothWays } from './blocks.ts';
import type { Compiled, Feed, HeldBits, Program, TensorSpec } from './executor.ts';
import type { OnnxRuntime } from './onnxruntime-library.ts';
import { compiledSession, openSession } from './session.ts';

/**
 * Whether held weights are taken in blocks, as a graphics card has them: a processor gains nothing by that, but shows what it
 * does to a model where no card is at hand.
 */
export const takesBlocks = (): boolean => process.env.LUTHIER_TEST_BLOCKS === '1';

/** Weights in blocks, each made once, whatever programs use it. */
export class BlockWeights {
  readonly #known = new WeakMap<Float32Array, BothWays>();

  of(weight: Float32Array, shape: readonly number[], bits: HeldBits): BothWays {
    const known = this.#known.get(weight);
    if (known) return known;
    const made = quantizeBothWays(weight, shape, bits, FORWARD);
    this.#known.set(weight, made);
    return made;
  }
}

/** Layers are taken to lie [outputs, inputs]. */
const FORWARD = 'rows';

/** A session that is fed its held inputs in blocks, made of the float ones that its program is fed. */
export async function sessionInBlocks(
  ort: OnnxRuntime,
  program: Program,
  inputs: Record<string, TensorSpec>,
  target: Target,
  options: Ort.InferenceSession.SessionOptions,
  lastRows: WeakMap<Float32Array, Int32Array>,
  weights: BlockWeights,
): Promise<Compiled> {
  const forms = new Map(
    Object.entries(inputs).flatMap(([name, { held }]) =>
      held ? [[name, formsNamed(name, held, FORWARD)] as const] : [],
    ),
  );
  const blocksOf = (input: string) => forms.get(input);
  const opened = await openSession(ort, program, inputs, { ...target, isHeldIn8Bit: () => false, blocksOf }, options);
  const compiled = compiledSession(ort, opened, inputs, lastRows);
  return {
    ...compiled,
    async run(feeds, fetches) {
      const blocks: Record<string, Feed> = {};
      for (const [name, { bits, ...fed }] of forms) {
        const both = weights.of(feeds[name] as Float32Array, inputs[name]!.shape, bits);
        for (const way of ['rows', 'columns'] as const) {
          blocks[fed[way].values] = both[way].values;
          blocks[fed[way].scales] = both[way].scales;
        }
      }
      await compiled.run({ ...feeds, ...blocks }, fetches);
    },
  };
}
