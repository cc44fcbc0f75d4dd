import * as tf from '@tensorflow/tfjs-core';
import {
  type Architecture,
  compute,
  declarationOf,
  type Held,
  type Part,
  partSpecs,
  statesIn,
} from '../models/architecture.ts';
import type { BatchShape } from '../models/batch.ts';
import { type CachedLayer, type CachedShape, cachedBatch, cachedSpecs } from '../models/cached-batch.ts';
import { withLinearInputs } from '../models/linear-inputs.ts';
import { withMarkedLayers } from '../models/marked-layers.ts';
import type { ParameterInfo, Source } from '../models/scope.ts';
import type { Loss } from '../tasks/task.ts';
import { formsNamed } from '../tensor/executors/blocks.ts';
import {
  type BlockForms,
  type CompileOptions,
  type HeldBits,
  type Program,
  type Rounding,
  type Shape,
  stepOf,
  type TensorSpec,
  zeroOf,
} from '../tensor/executors/executor.ts';
import { dropoutScales, embedding, rowLosses, valueAndGrads } from '../tensor/ops/index.ts';
import { type Block, concatenated } from './flat-blocks.ts';
import { fedAs, fedNames, type TablePieces } from './table-pieces.ts';

export interface ReadyProgram {
  program: Program;
  inputs: Record<string, TensorSpec>;
  options?: CompileOptions;
}

/** Feeds and outputs of a parameter carry these in front of its name. */
export const PARAMETER = 'p:';
/** In front of the name of a matrix that is fed with its axes swapped. */
export const TRANSPOSED = 'transposed:';
export const GRADIENT = 'grad:';
export const MASK = 'mask:';
export const LEARNED = 'learned';
/** What the loss is multiplied by for its gradients, where these are computed in float16. */
export const LOSS_SCALE = 'loss_scale';

/** The feeds that have a matrix in blocks, by its parameter. */
export function blockFormsOf({ name, layout }: ParameterInfo, bits: HeldBits): BlockForms {
  return formsNamed(name, bits, layout === 'in,out' ? 'columns' : 'rows');
}

export interface ProgramOptions {
  architecture: Architecture;
  /** Width of the logits. */
  outputs: number;
  shape: BatchShape;
  /**
   * Matrices that are also fed transposed, by their parameters' names, on devices where transposing is a copy; attention then
   * uses products that seldom transpose (tensor/ops/attention.ts).
   */
  hasTransposed?: ((name: string) => boolean) | undefined;
  /** Those that are fed in pieces. */
  tables?: TablePieces | undefined;
  /** Of those that are fed in blocks and not as themselves, by which feeds. */
  formsOf?: ((name: string) => BlockForms | undefined) | undefined;
}

/** How parameters are fed. */
type Fed = Pick<ProgramOptions, 'architecture' | 'outputs' | 'hasTransposed' | 'tables' | 'formsOf'>;

type Tensors = Record<string, tf.Tensor>;

/**
 * A program's inputs under the names that they are fed by, as the forward functions ask for them.
 * @param replaced parameters and their pieces by name, in place of those fed
 */
export function sourceOf(
  inputs: Tensors,
  { hasTransposed, tables }: Pick<ProgramOptions, 'hasTransposed' | 'tables'> = {},
  replaced: Tensors = {},
): Source {
  const fed = (name: string) => replaced[name] ?? inputs[PARAMETER + name]!;
  const piecesOf = (name: string) => tables?.get(name)?.map((piece) => fed(piece.name) as tf.Tensor2D);
  return {
    turned: hasTransposed !== undefined,
    parameter: ({ name }) => {
      const pieces = piecesOf(name);
      return pieces ? tf.concat(pieces) : fed(name);
    },
    pieces: ({ name }) => piecesOf(name),
    mask: ({ name, shape, rate }) => {
      const given = inputs[MASK + name];
      return given?.dtype === 'int32' ? dropoutScales(given, shape.at(-1)!, rate) : given;
    },
  };
}

/** What is fed for a part's parameters. */
export const parameterSpecs = (
  part: Part,
  { architecture, outputs, hasTransposed, tables, formsOf }: Fed,
  weights?: Held,
  builtIn = false,
): Record<string, TensorSpec> => {
  const { parameters } = declarationOf(architecture, { part, outputs });
  const specs = [...parameters.values()].flatMap(({ name, shape }): [string, TensorSpec][] => {
    const inBlocks = formsOf?.(name);
    if (inBlocks) return [[PARAMETER + name, { shape, dtype: 'float32', inBlocks }]];
    // What lies in pieces is kept by a device, which computes in float.
    const held =
      weights?.has(name) && !tables?.has(name) ? ({ held: weights.bits, ...(builtIn && { builtIn }) } as const) : {};
    return fedAs(tables, name, shape).map((piece): [string, TensorSpec] => {
      const transposed = hasTransposed?.(name) ? { transposed: TRANSPOSED + piece.name } : {};
      return [PARAMETER + piece.name, { shape: piece.shape, dtype: 'float32', ...held, ...transposed }];
    });
  });
  return Object.fromEntries(specs);
};

/**
 * A part without dropout: from texts to `all`, the logits `[N, C]`, or to `states`, the features `[N, H]` that a head is
 * given when nothing below it changes; and from these on, `head`, the logits. Or to their embeddings `[N, H]`.
 * @param eightBit linear layers that may be computed in 8 bits
 */
export function forwardProgram(part: Part, options: ProgramOptions, eightBit?: Roundings): ReadyProgram {
  const { architecture, shape } = options;
  const parameters = parameterSpecs(part, options, eightBit && { bits: 8, has: (name) => eightBit.has(name) });
  for (const [name, beside] of eightBit ?? []) {
    const spec = parameters[PARAMETER + name];
    if (spec) parameters[PARAMETER + name] = { ...spec, beside };
  }
  return {
    inputs: { ...partSpecs(part, architecture, shape), ...parameters },
    program: (inputs) => ({ output: compute(part, architecture, sourceOf(inputs, options), inputs, options) }),
  };
}

/** By the name of a linear layer's weight, how what goes into it is rounded. */
export type Roundings = ReadonlyMap<string, Rounding>;

/** What is told of the columns of a layer's input, each in front of the name of its weight. */
export const INPUT = { low: 'low:', high: 'high:', sum: 'sum:', squares: 'squares:', drift: 'drift:', rows: 'rows:' };

/**
 * Of what goes into linear layers when a batch is answered, `[M, K]`, K numbers each: the lowest and the highest, 0 or
 * beyond; the sum, and the squares' sum, over so many `rows` (padding is none).
 * @param weights of the layers
 */
export const inputsProgram = (options: ProgramOptions, weights: ReadonlySet<string>): ReadyProgram =>
  listeningProgram(options, (weight, x, isToken) => {
    if (!weights.has(weight)) return {};
    const own = isToken ? tf.mul(x, isToken) : x;
    return {
      [INPUT.high + weight]: tf.max(tf.relu(own), 0),
      [INPUT.low + weight]: tf.neg(tf.max(tf.relu(tf.neg(own)), 0)),
      [INPUT.sum + weight]: tf.sum(own, 0),
      [INPUT.squares + weight]: tf.sum(tf.square(own), 0),
      [INPUT.rows + weight]: isToken ? tf.sum(isToken) : tf.scalar(x.shape[0]),
    };
  });

/** The sum of what rounding adds to each column of these layers' inputs. */
export const driftProgram = (options: ProgramOptions, roundings: Roundings): ReadyProgram =>
  listeningProgram(options, (weight, x, isToken) => {
    const rounding = roundings.get(weight);
    if (!rounding) return {};
    const { range, columns } = rounding;
    const unit = tf.tensor1d(Array.from({ length: x.shape[1] }, (_, k) => (columns?.[k] ?? 1) * stepOf(range)));
    const zero = zeroOf(range);
    const places = tf.floor(tf.add(tf.div(x, unit), zero + 0.5));
    const rounded = tf.mul(tf.sub(tf.minimum(tf.maximum(places, 0), 255), zero), unit);
    const added = tf.sub(rounded, x);
    return { [INPUT.drift + weight]: tf.sum(isToken ? tf.mul(added, isToken) : added, 0) };
  });

/** @param hear is told of each linear layer, and which rows of its input are tokens, `[M, 1]`, where not all are */
function listeningProgram(
  options: ProgramOptions,
  hear: (weight: string, x: tf.Tensor2D, isToken: tf.Tensor | undefined) => Tensors,
): ReadyProgram {
  const { architecture, shape } = options;
  const tokens = shape.rows * shape.length;
  return {
    inputs: { ...partSpecs('all', architecture, shape), ...parameterSpecs('all', options) },
    program: (inputs) => {
      const found: Tensors = {};
      const isToken = tf.cast(tf.greater(tf.reshape(inputs.text_ids!, [tokens, 1]), 0), 'float32');
      // What is computed for a token of each text alone has no padding, and mostly another number of rows.
      const hasPadding = ({ shape: [rows] }: tf.Tensor2D) => rows === tokens && tokens !== shape.texts;
      const listening = withLinearInputs(architecture, (weight, x) =>
        Object.assign(found, hear(weight, x, hasPadding(x) ? isToken : undefined)),
      );
      compute('all', listening, sourceOf(inputs, options), inputs, options);
      return found;
    },
  };
}

export const NEW_KEYS = 'key:';
export const NEW_VALUES = 'value:';

/**
 * The next token's logits `[rows, V]` for texts of which all but the last tokens are cached, and the keys and values of
 * these, which the caller adds to its cache.
 * @param options.builtIn weights that are held in 8 bits may become a part of the program
 */
export function nextTokenProgram(
  { held, builtIn, ...fed }: Fed & Pick<TrainingOptions, 'held'> & { builtIn?: boolean },
  shape: CachedShape,
  layers: readonly CachedLayer[],
): ReadyProgram {
  const { architecture, outputs, tables } = fed;
  return {
    options: { singleNodes: shape.length === 1 },
    inputs: {
      ...cachedSpecs(shape, layers),
      ...parameterSpecs('all', fed, held, builtIn),
    },
    program: (inputs) => {
      const { batch, computed } = cachedBatch(inputs, shape);
      const scope = architecture.scope(sourceOf(inputs, { tables }));
      const states = architecture.states(scope, batch).at(-1)!;
      const pairs = computed.flatMap(({ k, v }, layer) => [
        [NEW_KEYS + layer, k],
        [NEW_VALUES + layer, v],
      ]);
      return { logits: architecture.head(scope, states, outputs), ...Object.fromEntries(pairs) };
    },
  };
}

/** Texts with a label for each token to the tokens' losses `[T]`: their logits are never outside the graph. */
export function lossesProgram(options: ProgramOptions & Pick<TrainingOptions, 'held'>): ReadyProgram {
  const { architecture, shape } = options;
  return {
    inputs: {
      ...partSpecs('all', architecture, shape),
      labels: { shape: [statesIn(architecture, shape)], dtype: 'int32' },
      ...parameterSpecs('all', options, options.held),
    },
    program: (inputs) => {
      const logits = compute('all', architecture, sourceOf(inputs, options), inputs, options);
      return { output: rowLosses(logits, inputs.labels as tf.Tensor1D) };
    },
  };
}

/** Logits that a training step has at once, 64 MB of them: those of a vocabulary are computed in parts, each with its loss. */
export const LOGITS_AT_ONCE = 2 ** 24;

/** States of a batch in the parts for which the head and the loss are computed, `[start, count]` each. */
function lossParts({
  part,
  architecture,
  outputs,
  shape,
  learned,
  logitsAtOnce = LOGITS_AT_ONCE,
}: TrainingOptions): [number, number][] {
  const states = learned ?? statesIn(architecture, shape);
  const { sites } = declarationOf(architecture, { part: 'head', outputs, shape });
  const most = part === 'head' || sites.size > 0 ? states : Math.max(1, Math.floor(logitsAtOnce / outputs));
  const count = Math.ceil(states / Math.ceil(states / most));
  return Array.from({ length: Math.ceil(states / count) }, (_, i) => [i * count, Math.min(count, states - i * count)]);
}

export interface TrainingOptions extends ProgramOptions {
  /** What the loss is of: logits, for which `head` starts from features instead of texts, or embeddings. */
  part: Part;
  trained: readonly string[];
  loss: Loss;
  /**
   * So many states at most are learnt from (learned-states.ts): the head is computed for those that the input `learned`
   * names, and labels and weights are theirs. All where left out.
   */
  learned?: number | undefined;
  /** Of a vocabulary. */
  logitsAtOnce?: number;
  /** Parameters that a step may compute with in fewer bits; the same in every run. */
  held?: Held | undefined;
  /** Of the layers only what goes into them is kept for the gradients, where the executor can. */
  recompute?: boolean | undefined;
  /**
   * Blocks that gradients are wanted in, where an executor keeps what is trained in such. It then makes dropout masks, too,
   * of a word for each row.
   */
  blocks?: readonly Block[] | undefined;
  /** Products in float16. Gradients are then those of the loss times the input `loss_scale`, a power of two. */
  float16?: boolean | undefined;
}

/** Shape of the words that a dropout mask is made of. */
export const rowsOf = (mask: Shape): Shape => [...mask.slice(0, -1), 1];

/** Texts or features, with labels and weights -> `loss` and the gradient of each trained parameter, or of each block. */
export function trainingProgram(options: TrainingOptions): ReadyProgram {
  const { part, architecture, outputs, shape, trained, loss, learned, tables, float16 } = options;
  const states = learned ?? statesIn(architecture, shape);
  const { sites } = declarationOf(architecture, { part, outputs, shape });
  const namesOf = (name: string) => fedNames(tables, name);
  return {
    ...(float16 ? { options: { float16 } } : {}),
    inputs: {
      ...(float16 ? { [LOSS_SCALE]: { shape: [], dtype: 'float32' } as const } : {}),
      ...partSpecs(part, architecture, shape),
      labels: loss.targets(states, outputs),
      weights: { shape: [states], dtype: 'float32' },
      ...(learned === undefined ? {} : { [LEARNED]: { shape: [learned], dtype: 'int32' } as const }),
      ...parameterSpecs(part, options, options.held),
      ...Object.fromEntries(
        [...sites].map(([name, { shape }]): [string, TensorSpec] => [
          MASK + name,
          options.blocks ? { shape: rowsOf(shape), dtype: 'int32' } : { shape, dtype: 'bool' },
        ]),
      ),
    },
    program: (inputs) => {
      const { value, grads } = valueAndGrads(
        (training) => {
          const architecture = options.recompute ? withMarkedLayers(options.architecture) : options.architecture;
          const source = sourceOf(inputs, options, training);
          const { labels, weights } = inputs as { labels: tf.Tensor; weights: tf.Tensor1D };
          const parts = lossParts(options);
          if (parts.length === 1 && learned === undefined)
            return loss.value(compute(part, architecture, source, inputs, options), labels, weights);
          const every = compute('states', architecture, source, inputs, options);
          const all = learned === undefined ? every : embedding(every, inputs[LEARNED] as tf.Tensor1D);
          const scope = architecture.scope(source);
          const losses = parts.map(([start, count]) => {
            const of = <T extends tf.Tensor>(x: T) =>
              tf.slice(x, [start, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]) as T;
            return loss.value(architecture.head(scope, of(all), outputs), of(labels), of(weights));
          });
          return tf.addN(losses) as tf.Scalar;
        },
        Object.fromEntries(trained.flatMap(namesOf).map((name) => [name, inputs[PARAMETER + name]!])),
        float16 ? (inputs[LOSS_SCALE] as tf.Scalar) : undefined,
      );
      const gradients: [string, tf.Tensor][] =
        options.blocks?.map((block) => [
          block.name,
          concatenated(block, (name) => namesOf(name).map((piece) => grads[piece]!)),
        ]) ?? Object.entries(grads);
      return { loss: value, ...Object.fromEntries(gradients.map(([name, g]) => [GRADIENT + name, g])) };
    },
  };
}
