import { formatBytes, LuthierError, largest, type Recipe, type Strategy, smallest } from '../../protocol/index.ts';
import { freeMemory } from '../free-memory.ts';
import { type Architecture, declarationOf } from '../models/architecture.ts';
import type { ParameterInfo } from '../models/scope.ts';
import { countSteps } from '../recipes/schedule.ts';
import { matricesInBlocks, matricesOf } from '../runtime/matrices.ts';
import { architectureFor, heldBy, isTrainedBy, isTrainedIn, phasesOf } from '../strategies/apply.ts';
import { factsAbout } from '../strategies/facts.ts';
import { kindOf, STRATEGIES, WrongKey } from '../strategies/index.ts';
import { inFloat } from '../strategies/kind.ts';
import type { Phases } from '../strategies/phases.ts';
import { type Executor, sizeOf } from '../tensor/executors/executor.ts';
import { activationBytes, type Batches, type Magnitudes, type Sizes } from './activations.ts';

/** What decides how much a run takes. */
export interface Workload {
  architecture: Architecture;
  numLabels: number;
  /** Tokens of each row of the training and of the validation part, cut to max_length. */
  trainLengths: readonly number[];
  validationLengths: readonly number[];
  /** Of the text by which forgetting is measured, where the task has one. */
  generalLengths?: readonly number[];
}

/** A model with what a strategy adds, and what that comes to by its labels and the phases that count. */
interface Adapted {
  architecture: Architecture;
  sizes: Map<string, Sizes>;
}

const known = new WeakMap<Architecture, WeakMap<Strategy, Adapted>>();

/**
 * Worked out once: what a strategy adds is known by running the model's forward function dry, and what fits is looked for
 * among a thousand settings with a few strategies.
 * @throws WrongKey where a key of the strategy does not fit the model
 */
function adaptedBy(strategy: Strategy, architecture: Architecture): Adapted {
  const before = known.get(architecture) ?? new WeakMap<Strategy, Adapted>();
  known.set(architecture, before);
  const adapted = before.get(strategy) ?? { architecture: architectureFor(strategy, architecture), sizes: new Map() };
  before.set(strategy, adapted);
  return adapted;
}

/** @param phases of the run that count; without them all that the strategy has */
export function sizesOf(
  { architecture, numLabels }: Pick<Workload, 'architecture' | 'numLabels'>,
  strategy: Strategy,
  phases?: readonly number[],
): Sizes {
  const { architecture: adapted, sizes } = adaptedBy(strategy, architecture);
  const key = `${numLabels} ${phases?.join(',') ?? 'all'}`;
  const of = sizes.get(key) ?? countSizes({ architecture: adapted, numLabels }, strategy, phases);
  sizes.set(key, of);
  return of;
}

/** @param architecture with what the strategy adds */
function countSizes(
  { architecture: adapted, numLabels }: Pick<Workload, 'architecture' | 'numLabels'>,
  strategy: Strategy,
  phases?: readonly number[],
): Sizes {
  const isInPhase = isTrainedIn(strategy, adapted);
  const isTrained = phases
    ? (name: string) => phases.some((phase) => isInPhase(phase, name))
    : isTrainedBy(strategy, adapted);
  const weights = heldBy(strategy, adapted);
  const declared = declarationOf(adapted, { outputs: numLabels }).parameters;
  const all = [...declared.values()];
  const matrices = matricesOf(declared);
  const trained = all.filter(({ name }) => isTrained(name));
  const count = (some: readonly ParameterInfo[]) => some.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const places = trained.flatMap(({ place }) => (place === 'head' ? [] : [Math.max(0, place)]));
  const lowest = smallest([adapted.numLayers, ...places]);
  const inBlocks = weights && matricesInBlocks(declared, adapted, weights);
  const held = weights && {
    bits: weights.bits,
    all: count(all.filter(({ name }) => weights.has(name))),
    inBlocks: count(all.filter(({ name }) => inBlocks!.has(name))),
  };
  return {
    parameters: count(all),
    trained: count(trained),
    matrices: count(all.filter(({ name }) => matrices.has(name))),
    trainedMatrices: count(trained.filter(({ name }) => matrices.has(name))),
    held,
    passedShare: 1 - lowest / adapted.numLayers,
    virtualTokens: adapted.virtualIds?.length ?? 0,
    prefixTokens: adapted.prompt?.isPrefix ? adapted.prompt.num_virtual_tokens : 0,
    magnitudes: magnitudesOf(adapted),
    trainsWeights: trained.some(({ layout, place }) => layout !== undefined && place !== 'head'),
  };
}

function magnitudesOf(architecture: Architecture): Magnitudes | undefined {
  const { adapters } = architecture;
  if (!adapters?.use_dora) return undefined;
  const { parameters } = declarationOf(architecture);
  const layers = [...parameters.values()].filter(({ layout, place }) => layout !== undefined && place !== 'head');
  const measured = adapters.targets.map((name) => parameters.get(`${name}.weight`)!);
  const weights = sum(measured.map(({ shape }) => sizeOf(shape)));
  return {
    weights,
    largest: largest(measured.map(({ shape }) => sizeOf(shape))),
    outputs: sum(measured.map(({ shape, layout }) => (layout === 'out,in' ? shape[0]! : shape[1]!))),
    repeatedShare: adapters.lora_dropout > 0 ? weights / sum(layers.map(({ shape }) => sizeOf(shape))) : 0,
  };
}

/** The phases that a run reaches. */
const phasesIn = ({ architecture, trainLengths }: Workload, recipe: Recipe): Phases =>
  phasesOf(
    recipe.strategy,
    adaptedBy(recipe.strategy, architecture).architecture,
    countSteps(recipe, trainLengths.length),
  );

/** Those of all that a run trains, whose gradients and moments are there from its first step. */
export const sizesIn = (work: Workload, recipe: Recipe): Sizes =>
  sizesOf(work, recipe.strategy, phasesIn(work, recipe).all);

/** Whether a strategy can train the model at all. */
export function suits(work: Workload, strategy: Strategy): boolean {
  try {
    sizesOf(work, strategy);
    return true;
  } catch (error) {
    if (error instanceof WrongKey) return false;
    throw error;
  }
}

/** Node, onnxruntime and the tokenizer. */
const BASE_BYTES = 200e6;
/** Weights as trained, and as read back to be compared. */
const PARAMETER_BYTES = 8;
/** Gradient and AdamW's two moments. */
const TRAINED_BYTES = 12;
/** Rows are packed, with this much left empty. */
const PACKED_SHARE = 0.85;

/** Frozen numbers that a processor computes with in 8 bits; in 4 it does not compute. */
const heldIn8Bit = ({ held }: Sizes): number => (held?.bits === 8 ? held.all : 0);

/** Peak resident memory in bytes, for the largest batch that is likely. Fitted to measured peaks: see its test. */
export function estimateMemory(work: Workload, recipe: Recipe): number {
  const sizes = sizesIn(work, recipe);
  const { parameters, trained, passedShare, trainsWeights } = sizes;
  // Copies of a weight in 8 bits: for products forward, and backward where gradients pass through frozen layers.
  const narrow = heldIn8Bit(sizes) * (passedShare > 0 && !trainsWeights ? 2 : 1);
  const accumulated = recipe.gradient_accumulation_steps > 1 ? 4 * trained : 0;
  const activations = batchesIn(work, recipe, sizes).map((batches) =>
    activationBytes(work.architecture, sizes, batches),
  );
  return (
    BASE_BYTES + PARAMETER_BYTES * parameters + TRAINED_BYTES * trained + narrow + accumulated + largest(activations)
  );
}

/** The largest batches that are likely: of the data's rows, and of the text by which forgetting is measured. */
export function batchesIn(work: Workload, recipe: Recipe, { virtualTokens }: Pick<Sizes, 'virtualTokens'>): Batches[] {
  const lengths = lengthsIn(work.trainLengths, recipe.max_length, virtualTokens);
  const rows: Batches = {
    tokens: likelyTokens(lengths, recipe.per_device_train_batch_size),
    evalTokens: likelyTokens(lengths, recipe.per_device_eval_batch_size),
    rowLength: lengths.longest,
    recompute: recipe.gradient_checkpointing,
  };
  // Its rows may be longer than all of the data's, and are measured between the steps.
  const general = lengthsIn(work.generalLengths ?? [], recipe.max_length, virtualTokens);
  if (general.rows === 0) return [rows];
  const evalTokens = likelyTokens(general, recipe.per_device_eval_batch_size);
  return [rows, { tokens: 0, evalTokens, rowLength: general.longest }];
}

/** How long rows are, of which a model reads so many tokens. */
interface Lengths {
  rows: number;
  mean: number;
  deviation: number;
  longest: number;
}

const knownLengths = new WeakMap<readonly number[], Map<string, Lengths>>();

/** Worked out once for each length that rows are cut to: there may be a million. @param before tokens in front of each */
function lengthsIn(all: readonly number[], most: number, before: number): Lengths {
  const earlier = knownLengths.get(all) ?? new Map<string, Lengths>();
  knownLengths.set(all, earlier);
  const key = `${most} ${before}`;
  const lengths = earlier.get(key) ?? measureLengths(all.map((length) => before + Math.min(length, most)));
  earlier.set(key, lengths);
  return lengths;
}

function measureLengths(lengths: readonly number[]): Lengths {
  const rows = lengths.length;
  const mean = lengths.reduce((a, b) => a + b, 0) / rows;
  const deviation = Math.sqrt(lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / rows);
  return { rows, mean, deviation, longest: lengths.reduce((a, b) => Math.max(a, b), 0) };
}

/** Tokens of a large batch of random rows: the mean and three standard deviations, at most the longest rows together. */
function likelyTokens({ rows, mean, deviation, longest }: Lengths, batch: number): number {
  const size = Math.min(batch, rows);
  return Math.min(size * longest, size * mean + 3 * deviation * Math.sqrt(size)) / PACKED_SHARE;
}

/** What a backend saves where a recipe asks for it; one that cannot does without, and says so when the run starts. */
export type Savings = Pick<Executor, 'recomputes' | 'computesIn8Bit'>;

/**
 * The recipe as a backend computes it: one that cannot compute layers again keeps what they computed, and one that has
 * no products in 8 bits takes float and holds no copies.
 */
export function asComputed(recipe: Recipe, { recomputes = false, computesIn8Bit = false }: Savings): Recipe {
  const { strategy } = recipe;
  return {
    ...recipe,
    ...(recipe.gradient_checkpointing && !recomputes && { gradient_checkpointing: false }),
    ...(!computesIn8Bit && 'load_in_8bit' in strategy && { strategy: { ...strategy, load_in_8bit: false } }),
  };
}

/**
 * Refuses a run that would not fit, naming the nearest setting that would.
 * @param backend what it can save, and how many bytes are free where that is known
 * @throws LuthierError `not-enough-memory`
 */
export function requireMemory(work: Workload, written: Recipe, backend: Savings & { free?: number }): void {
  const { free = freeMemory() } = backend;
  const recipe = asComputed(written, backend);
  const needed = estimateMemory(work, recipe);
  if (needed <= free) return;
  throw new LuthierError(
    'not-enough-memory',
    `The run would need about ${formatBytes(needed)} of memory, but only ${formatBytes(free)} are free.`,
    smallerSetting(work, recipe, backend.recomputes === true, (changed) => estimateMemory(work, changed) <= free) ??
      'Close other programs, or choose a smaller base model.',
  );
}

/**
 * The setting nearest to the recipe's that fits: batches in pieces give the same result, so they come first; layers that
 * are computed again give it, too, and take longer.
 * @param narrowed a strategy as it takes least, where that is not in float
 */
export function smallerSetting(
  work: Workload,
  recipe: Recipe,
  recomputes: boolean,
  isEnoughFor: (recipe: Recipe) => boolean,
  narrowed: (strategy: Strategy) => Strategy = (strategy) => strategy,
): string | null {
  const fits = (change: Partial<Recipe> & Pick<Recipe, 'strategy'>) =>
    suits(work, change.strategy) && isEnoughFor({ ...recipe, ...change });
  const isRecomputed = recipe.gradient_checkpointing === true;
  const checkpointing = recomputes && !isRecomputed ? [false, true] : [isRecomputed];
  // How many rows a step compares is a key of the strategy's own, and a step is not put together of pieces.
  const isPaired = kindOf(recipe.strategy).pairs !== undefined;
  const least = isPaired ? 4 : 1;
  const batches = [1, 2, 4, 8, 16, 32, 64].map((by) => ({
    per_device_train_batch_size: Math.max(least, Math.floor(recipe.per_device_train_batch_size / by)),
    gradient_accumulation_steps: recipe.gradient_accumulation_steps * by,
    per_device_eval_batch_size: Math.max(1, Math.floor(recipe.per_device_eval_batch_size / by)),
  }));
  const lengths = [recipe.max_length, 4096, 2048, 1024, 512, 256, 128, 64].filter(
    (length) => length <= recipe.max_length,
  );
  const facts = factsAbout(work.architecture);
  const suggested = Object.values(STRATEGIES).map((kind) => ({
    // On a processor it would hold the frozen weights twice in 8 bits.
    strategy: narrowed(inFloat(kind.suggest(facts))),
    rate: kind.learningRate?.(facts),
  }));
  const narrow = narrowed(recipe.strategy);
  const strategies: { strategy: Strategy; rate?: number | undefined }[] = [
    recipe,
    ...(narrow === recipe.strategy ? [] : [{ strategy: narrow }]),
    ...suggested.slice(0, -1),
    { strategy: { type: 'freeze', num_frozen_layers: facts.layers - 1 } },
    // The head alone takes least.
    ...suggested.slice(-1),
  ];
  for (const { strategy, rate } of strategies) {
    for (const [max_length, gradient_checkpointing] of lengths.flatMap((length) =>
      checkpointing.map((is) => [length, is] as const),
    )) {
      for (const batch of batches) {
        if (!fits({ ...batch, max_length, strategy, gradient_checkpointing })) continue;
        const parts: string[] = [];
        if (strategy !== recipe.strategy) {
          const also = rate === undefined ? '' : ` and a learning_rate of about ${rate}`;
          parts.push(`strategy ${JSON.stringify(strategy)}${also}`);
        }
        if (max_length !== recipe.max_length) parts.push(`max_length ${max_length}`);
        if (batch.per_device_train_batch_size !== recipe.per_device_train_batch_size) {
          parts.push(
            isPaired && strategy === recipe.strategy
              ? `strategy.batch_size ${batch.per_device_train_batch_size}`
              : `per_device_train_batch_size ${batch.per_device_train_batch_size}, gradient_accumulation_steps ${batch.gradient_accumulation_steps}`,
            `per_device_eval_batch_size ${batch.per_device_eval_batch_size}`,
          );
        }
        if (gradient_checkpointing && !isRecomputed) parts.push('gradient_checkpointing true');
        return `It would fit with ${parts.join(', ')}.`;
      }
    }
  }
  return null;
}

/** Float32 parameters, and both moments where it can be gone on from. */
const WEIGHTS_BYTES = 4;
const CHECKPOINT_BYTES = 12;

/** Bytes on disk at the worst moment: the checkpoints that are kept, one being written, the best weights, the model. */
export function estimateDisk({ parameters, trained }: Pick<Sizes, 'parameters' | 'trained'>, recipe: Recipe): number {
  const checkpoints = CHECKPOINT_BYTES * trained * (recipe.save_total_limit + 1);
  return checkpoints + WEIGHTS_BYTES * trained + WEIGHTS_BYTES * parameters;
}

/** Share of the machine's matrix-product rate that a step reaches. */
const EFFICIENCY = 0.6;
/** Time of a product in 8 bits over that in float. */
const EIGHT_BIT_TIME = 0.4;
/** AdamW's passes over memory, seconds a parameter (facts: 217 ms for 110 M). */
const ADAMW_SECONDS = 2e-9;
/** Time of taking the lengths of DoRA's weights, seconds a weight. */
const MEASURE_SECONDS = 2e-9;
/** Start of the process, reading, compiling the first graphs, writing the model. */
export const START_SECONDS = 4;

/** Seconds of a whole run, from the arithmetic and a measured rate of matrix products. */
export function estimateSeconds(work: Workload, recipe: Recipe, gflops: number): number {
  const steps = countSteps(recipe, work.trainLengths.length);
  const epochs = steps.total / steps.perEpoch;
  const { virtualTokens } = sizesIn(work, recipe);
  const read = (lengths: readonly number[]) => (sum(lengths) + virtualTokens * lengths.length) / PACKED_SHARE;
  const tokens = read(work.trainLengths);
  const validation = read(work.validationLengths);
  const evaluations = recipe.eval_steps > 0 ? Math.ceil(steps.total / recipe.eval_steps) : Math.ceil(epochs);
  const { flopsPerToken: forward, numLayers } = work.architecture;
  const phases = phasesIn(work, recipe);
  const parts = phases.all.map((phase) => ({
    sizes: sizesOf(work, recipe.strategy, [phase]),
    steps: phases.stepsIn([phase], steps.total),
  }));
  const isHeadOnly = parts.every(({ sizes }) => sizes.passedShare === 0);
  const cost = (sizes: Sizes) => stepCost(sizes) + (recipe.gradient_checkpointing ? recomputed(sizes, numLayers) : 0);
  // Its layers run once for all epochs.
  const flops = isHeadOnly
    ? forward * (tokens + validation)
    : forward *
      (sum(parts.map((part) => cost(part.sizes) * tokens * (part.steps / steps.perEpoch))) + validation * evaluations);
  const updates = sum(parts.map((part) => part.steps * part.sizes.trained));
  const measured = sum(parts.map((part) => part.steps * (part.sizes.magnitudes?.weights ?? 0)));
  return START_SECONDS + flops / (gflops * 1e9 * EFFICIENCY) + updates * ADAMW_SECONDS + measured * MEASURE_SECONDS;
}

/** Work of a training step over that of its forward pass in float. */
function stepCost(sizes: Sizes): number {
  const { passedShare, trainsWeights, magnitudes } = sizes;
  const frozenTime = heldIn8Bit(sizes) > 0 ? EIGHT_BIT_TIME : 1;
  // What is computed twice is so forward and backward.
  const again = 2 * frozenTime * (magnitudes?.repeatedShare ?? 0);
  // Forward, backward to the inputs, and to the weights where these are trained.
  return passedShare * (trainsWeights ? 3 : 2 * frozenTime) + (1 - passedShare) * frozenTime + again;
}

/** Of the layers that gradients pass through all but the last are run forward once more. */
const recomputed = (sizes: Sizes, layers: number): number =>
  Math.max(0, sizes.passedShare - 1 / layers) * (heldIn8Bit(sizes) > 0 && !sizes.trainsWeights ? EIGHT_BIT_TIME : 1);

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
