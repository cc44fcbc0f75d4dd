import { formatBytes, type Recipe, type Strategy } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { sizeOf } from '../executors/executor.ts';
import { freeMemory } from '../free-memory.ts';
import { declarationOf, type Encoder } from '../models/encoder.ts';
import { countSteps } from './schedule.ts';
import { encoderFor, isHeldIn8Bit, isTrainedBy } from './strategy.ts';

/** What decides how much a run takes. */
export interface Workload {
  encoder: Encoder;
  numLabels: number;
  /** Tokens of each row of the training and of the validation part, cut to max_length. */
  trainLengths: readonly number[];
  validationLengths: readonly number[];
}

export interface Sizes {
  parameters: number;
  trained: number;
  /** Frozen ones that are also held in 8 bits. */
  heldIn8Bit: number;
  /** Share of the layers that gradients pass through. */
  trainedShare: number;
}

export function sizesOf({ encoder, numLabels }: Workload, strategy: Strategy): Sizes {
  const adapted = encoderFor(strategy, encoder);
  const isTrained = isTrainedBy(strategy, adapted);
  const isHeld = isHeldIn8Bit(strategy, adapted);
  const all = [...declarationOf(adapted, { outputs: numLabels }).parameters.values()];
  const count = (isCounted: (name: string) => boolean) =>
    all.reduce((sum, { name, shape }) => sum + (isCounted(name) ? sizeOf(shape) : 0), 0);
  const frozenLayers =
    strategy.type === 'freeze' ? strategy.num_frozen_layers : strategy.type === 'head' ? encoder.numLayers : 0;
  return {
    parameters: count(() => true),
    trained: count(isTrained),
    heldIn8Bit: count(isHeld),
    trainedShare: 1 - frozenLayers / encoder.numLayers,
  };
}

/** Node, onnxruntime and the tokenizer. */
const BASE_BYTES = 200e6;
/** Weights as trained, and as read back to be compared. */
const PARAMETER_BYTES = 8;
/** Gradient and AdamW's two moments. */
const TRAINED_BYTES = 12;
/** Arrays as long as a token's hidden state that a layer keeps for its gradients, and as long as its inner state. */
const HIDDEN_ARRAYS = 13;
const INNER_ARRAYS = 3;
/** Without gradients a layer's arrays are used again by the next. */
const INFERENCE_ARRAYS = 12;
/** Of a layer's arrays those that adapters alone need kept: no gradient of a weight wants its layer's input. */
const ADAPTERS_KEEP = 0.6;
/** Copies of a weight in 8 bits: for products forward, and backward where gradients pass. */
const EIGHT_BIT_COPIES = { lora: 2, freeze: 1 } as const;
/** Rows are packed, with this much left empty. */
const PACKED_SHARE = 0.85;

/** Peak resident memory in bytes, for the largest batch that is likely. Fitted to measured peaks: see its test. */
export function estimateMemory(work: Workload, recipe: Recipe): number {
  const { encoder } = work;
  const { strategy } = recipe;
  const { parameters, trained, heldIn8Bit, trainedShare } = sizesOf(work, strategy);
  const keptShare = trainedShare * (strategy.type === 'lora' ? ADAPTERS_KEEP : 1);
  const narrow = heldIn8Bit * (strategy.type === 'lora' ? EIGHT_BIT_COPIES.lora : EIGHT_BIT_COPIES.freeze);
  const accumulated = recipe.gradient_accumulation_steps > 1 ? 4 * trained : 0;
  const lengths = work.trainLengths.map((length) => Math.min(length, recipe.max_length));
  const tokens = likelyTokens(lengths, recipe.per_device_train_batch_size);
  const evalTokens = likelyTokens(lengths, recipe.per_device_eval_batch_size);
  const hidden = encoder.hiddenSize;
  const kept = 4 * (HIDDEN_ARRAYS * hidden + INNER_ARRAYS * 4 * hidden) * encoder.numLayers * keptShare;
  const passing = 4 * INFERENCE_ARRAYS * hidden;
  const activations = Math.max(tokens * (kept + passing), evalTokens * passing);
  return BASE_BYTES + PARAMETER_BYTES * parameters + TRAINED_BYTES * trained + narrow + accumulated + activations;
}

/** Tokens of a large batch of random rows: the mean and three standard deviations, at most the longest rows together. */
function likelyTokens(lengths: readonly number[], batch: number): number {
  const n = lengths.length;
  const mean = lengths.reduce((a, b) => a + b, 0) / n;
  const deviation = Math.sqrt(lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / n);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const size = Math.min(batch, n);
  return Math.min(size * longest, size * mean + 3 * deviation * Math.sqrt(size)) / PACKED_SHARE;
}

/**
 * Refuses a run that would not fit, naming the nearest setting that would.
 * @throws LuthierError `not-enough-memory`
 */
export function requireMemory(work: Workload, recipe: Recipe, free: number = freeMemory()): void {
  const needed = estimateMemory(work, recipe);
  if (needed <= free) return;
  throw new LuthierError(
    'not-enough-memory',
    `The run would need about ${formatBytes(needed)} of memory, but only ${formatBytes(free)} are free.`,
    smallerSetting(work, recipe, free) ?? 'Close other programs, or choose a smaller base model.',
  );
}

/** With every default. */
const LORA: Strategy = { type: 'lora', r: 8, lora_alpha: 8, lora_dropout: 0, target_modules: ['query', 'value'] };

/** The setting nearest to the recipe's that fits: batches in pieces give the same result, so they come first. */
function smallerSetting(work: Workload, recipe: Recipe, free: number): string | null {
  const fits = (change: Partial<Recipe>) => estimateMemory(work, { ...recipe, ...change }) <= free;
  const batches = [1, 2, 4, 8, 16, 32, 64].map((by) => ({
    per_device_train_batch_size: Math.max(1, Math.floor(recipe.per_device_train_batch_size / by)),
    gradient_accumulation_steps: recipe.gradient_accumulation_steps * by,
    per_device_eval_batch_size: Math.max(1, Math.floor(recipe.per_device_eval_batch_size / by)),
  }));
  const lengths = [recipe.max_length, 256, 128, 64].filter((length) => length <= recipe.max_length);
  const layers = work.encoder.numLayers;
  const strategies: Strategy[] = [
    recipe.strategy,
    { type: 'freeze', num_frozen_layers: Math.ceil(layers / 2) },
    LORA,
    { type: 'freeze', num_frozen_layers: layers - 1 },
    { type: 'head' },
  ];
  for (const strategy of strategies) {
    for (const max_length of lengths) {
      for (const batch of batches) {
        if (!fits({ ...batch, max_length, strategy })) continue;
        const parts: string[] = [];
        if (strategy === LORA) parts.push('strategy {"type":"lora"} and a learning_rate of about 1e-3');
        else if (strategy !== recipe.strategy) parts.push(`strategy ${JSON.stringify(strategy)}`);
        if (max_length !== recipe.max_length) parts.push(`max_length ${max_length}`);
        if (batch.per_device_train_batch_size !== recipe.per_device_train_batch_size) {
          parts.push(
            `per_device_train_batch_size ${batch.per_device_train_batch_size}`,
            `gradient_accumulation_steps ${batch.gradient_accumulation_steps}`,
            `per_device_eval_batch_size ${batch.per_device_eval_batch_size}`,
          );
        }
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
/** Start of the process, reading, compiling the first graphs, writing the model. */
const START_SECONDS = 4;

/** Seconds of a whole run, from the arithmetic and a measured rate of matrix products. */
export function estimateSeconds(work: Workload, recipe: Recipe, gflops: number): number {
  const { strategy } = recipe;
  const { trained, heldIn8Bit, trainedShare } = sizesOf(work, strategy);
  const steps = countSteps(recipe, work.trainLengths.length);
  const epochs = steps.total / steps.perEpoch;
  const tokens = sum(work.trainLengths) / PACKED_SHARE;
  const validation = sum(work.validationLengths) / PACKED_SHARE;
  const evaluations = recipe.eval_steps > 0 ? Math.ceil(steps.total / recipe.eval_steps) : Math.ceil(epochs);
  const forward = work.encoder.flopsPerToken;
  const flops =
    strategy.type === 'head'
      ? forward * (tokens + validation)
      : forward * (stepCost(strategy, trainedShare, heldIn8Bit > 0) * tokens * epochs + validation * evaluations);
  return START_SECONDS + flops / (gflops * 1e9 * EFFICIENCY) + steps.total * trained * ADAMW_SECONDS;
}

/** Work of a training step over that of its forward pass in float. */
function stepCost({ type }: Strategy, trainedShare: number, in8Bit: boolean): number {
  const frozenTime = in8Bit ? EIGHT_BIT_TIME : 1;
  // Adapters want gradients of inputs, but none of weights.
  if (type === 'lora') return 2 * frozenTime;
  return 3 * trainedShare + frozenTime * (1 - trainedShare);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
