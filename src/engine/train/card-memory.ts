import {
  describeCardNeed,
  LuthierError,
  largest,
  type Note,
  type Recipe,
  type RunEstimate,
  type Strategy,
} from '../../protocol/index.ts';
import { bitsOf } from '../strategies/apply.ts';
import { kindOf } from '../strategies/index.ts';
import { inFloat } from '../strategies/kind.ts';
import { bytesOfNumber } from '../tensor/executors/blocks.ts';
import { LARGEST_BINDING } from '../tensor/executors/card-memory.ts';
import { type Card, graphicsCards } from '../tensor/executors/cards.ts';
import type { HeldBits } from '../tensor/executors/executor.ts';
import { activationBytes, type Batches } from './activations.ts';
import { batchesIn, sizesIn, smallerSetting, type Workload } from './estimate.ts';

const NUMBER = 4;
/** Of each trained parameter its block has the weight and AdamW's two moments. */
const IN_BLOCKS = 3;
/** Arrays as large as a block that the optimiser's step has beside what goes in and comes out. */
const UPDATE_ARRAYS = 3;
/** Of what an encoder's step keeps: operands of products have half the bytes, what is between them in float32 as many. */
const FLOAT16_SHARE = 0.8;

/**
 * Most bytes of tensors that a run has on a graphics card at one time, for the largest batch that is likely. Checked against
 * what the executor counts (card-memory.test.ts).
 */
export function estimateCardMemory(work: Workload, recipe: Recipe): number {
  const sizes = sizesIn(work, recipe);
  const { parameters, trained, matrices, trainedMatrices, held } = sizes;
  const inBlocks = held?.inBlocks ?? 0;
  const blocks = IN_BLOCKS * trained;
  // Each by itself, and matrices both ways; what is trained is copied out of its blocks.
  const spared = held ? 2 * (1 - bytesOfNumber(held.bits) / NUMBER) * inBlocks : 0;
  const copies = parameters + matrices - spared;
  const frozenCopies = parameters - trained + matrices - trainedMatrices - spared;
  const accumulates = recipe.gradient_accumulation_steps > 1;
  const of = (batches: Batches) => activationBytes(work.architecture, sizes, batches);
  // Evaluations are in float32 all the same.
  const isNarrow = recipe.fp16 === true && !recipe.gradient_checkpointing && !work.architecture.isCausal;
  const activations = largest(
    batchesIn(work, recipe, sizes).map((batches) =>
      isNarrow
        ? Math.max(FLOAT16_SHARE * of({ ...batches, evalTokens: 0 }), of({ ...batches, tokens: 0 }))
        : of(batches),
    ),
  );
  const learning = NUMBER * (blocks + copies + (accumulates ? 2 : 1) * trained) + activations;
  // What is sent there is copied once; what is in blocks, one after the other.
  const uploading = NUMBER * (parameters - trained - inBlocks + frozenCopies);
  const summing = accumulates ? NUMBER * (blocks + copies + 3 * trained) : 0;
  const updating =
    NUMBER * (2 * blocks + frozenCopies + trained) + UPDATE_ARRAYS * Math.min(NUMBER * trained, LARGEST_BINDING);
  return Math.max(uploading, learning, summing, updating);
}

/** What a card does of a recipe that asks for frozen layers in 8 or 4 bits. */
export function saysInBlocks(work: Workload, recipe: Recipe): string {
  const { held, magnitudes } = sizesIn(work, recipe);
  const { bits, all, inBlocks } = held ?? { bits: 8, all: 0, inBlocks: 0 };
  if (!work.architecture.isCausal)
    return `a graphics card computes an encoder’s frozen layers in float. In ${bits} bits they would save little of its memory.`;
  const others = magnitudes ? 'those that DoRA adapts' : 'those whose sizes are no multiples of 32, or too large';
  if (inBlocks === 0)
    return `a graphics card computes these frozen layers in float: it cannot have ${others} in ${bits} bits.`;
  const rest = inBlocks < all ? `, apart from ${others}` : '';
  return `the graphics card has the frozen layers in ${bits} bits alone${rest}; embeddings, the head and what is trained are in float. Evaluations and sample answers of this run are computed with these; the model that is written is in float, and may score slightly otherwise.`;
}

/** What a run needs of the card, beside the largest that is known here; which one WebGPU takes is not. */
export async function cardNeed(work: Workload, recipe: Recipe): Promise<NonNullable<RunEstimate['card']>> {
  const cards = await graphicsCards();
  const card = cards.reduce<Card | null>((a, b) => (a === null || b.bytes > a.bytes ? b : a), null);
  return { needed_bytes: Math.round(estimateCardMemory(work, recipe)), card };
}

/**
 * Says what the run needs of the card. Batches that are too large for it are computed in smaller pieces when they do not fit
 * (runtime/fitting-batch.ts), so that only a run is refused that would not fit row by row.
 * @throws LuthierError `not-enough-memory`, naming the nearest setting that would fit
 */
export async function requireCardMemory(
  work: Workload,
  recipe: Recipe,
  recomputes: boolean,
  note: Note,
): Promise<void> {
  const need = await cardNeed(work, recipe);
  const { needed_bytes, card } = need;
  const says = `The run needs ${describeCardNeed(need)}.`;
  if (card === null || needed_bytes <= card.bytes) return note('info', says);
  if (estimateCardMemory(work, rowByRow(recipe)) <= card.bytes)
    return note('warning', `${says} What does not fit is computed in smaller pieces, with the same results.`);
  throw new LuthierError('not-enough-memory', says, whatFits(work, recipe, recomputes, card.bytes));
}

/** What to do where a run does not fit into so many bytes of a card, row by row. */
export const whatFits = (work: Workload, recipe: Recipe, recomputes: boolean, bytes: number): string => {
  const isEnough = (changed: Recipe) => estimateCardMemory(work, changed) <= bytes;
  const other = (bits?: HeldBits) =>
    smallerSetting(work, recipe, recomputes, isEnough, (strategy) => inBlocks(work, strategy, bits));
  // 8 bits are nearer to float than 4. Beside fp16 neither is taken.
  const narrower = ([8, 4] as const).find((bits) => {
    const strategy = inBlocks(work, recipe.strategy, bits);
    return !recipe.fp16 && strategy !== recipe.strategy && isEnough(rowByRow({ ...recipe, strategy }));
  });
  const smaller = narrower
    ? narrowerSetting(recipe.strategy, narrower)
    : recipe.fp16
      ? other()
      : (other(8) ?? other(4));
  return `${smaller ?? 'Choose a smaller base model.'} Or use --backend onnxruntime, which computes on the processor.`;
};

const narrowerSetting = ({ load_in_8bit }: Strategy, bits: HeldBits): string =>
  `It would fit with "load_in_${bits}bit": true in strategy${load_in_8bit ? ' instead of "load_in_8bit"' : ''}${bits === 4 ? ', which costs more accuracy than 8 bits' : ''}.`;

/** A strategy with its frozen layers in so many bits, where a card can have them so and they are in more. */
function inBlocks<S extends Strategy>({ architecture }: Workload, strategy: S, bits: HeldBits | undefined): S {
  const canBe = architecture.isCausal && 'load_in_8bit' in kindOf(strategy).schema.shape;
  const own = bitsOf(strategy);
  if (!canBe || bits === undefined || (own && own <= bits)) return strategy;
  return { ...inFloat(strategy), [bits === 8 ? 'load_in_8bit' : 'load_in_4bit']: true };
}

/** The recipe in the smallest pieces that a card that is full is asked for. */
const rowByRow = (recipe: Recipe): Recipe => ({
  ...recipe,
  // A step that compares its texts is computed whole.
  ...(!kindOf(recipe.strategy).pairs && { per_device_train_batch_size: 1, gradient_accumulation_steps: 2 }),
  per_device_eval_batch_size: 1,
});
