import * as tf from '@tensorflow/tfjs-core';
import type { Shape, TensorSpec } from '../tensor/executors/executor.ts';
import type { AttentionInputs } from '../tensor/ops/attention.ts';
import {
  applyDropout,
  attention,
  embedding,
  embeddingInPieces,
  layerNorm,
  linear,
  productInPieces,
  rmsNorm,
} from '../tensor/ops/index.ts';
import { placeholder, record } from '../tensor/record/recorder.ts';

/** Where a parameter stands: -1 for embeddings, its layer's number, or 'head' for what a task adds behind the layers. */
export type Place = number | 'head';

/**
 * What a new weight starts from; `normal` is a standard deviation, `uniform` the bound on both sides of 0, `rows` are those
 * of another parameter, `norms` the lengths of the rows of a linear layer's weight that go to one of its outputs each.
 */
export type Init =
  | 'zeros'
  | 'ones'
  | { normal: number }
  | { uniform: number }
  | { rows: readonly number[]; of: string }
  | { norms: Layout; of: string };

/** `out,in` is PyTorch's Linear, `in,out` the Conv1D of GPT-2. */
export type Layout = 'out,in' | 'in,out';

/** What a family says of a parameter where it uses it. */
export interface ParameterInfo {
  /** Hugging Face's. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly place: Place;
  readonly init: Init;
  /** Whether AdamW decays it. */
  readonly decay: boolean;
  /** Set for the weight of a linear layer. */
  readonly layout?: Layout;
  /** The end of its name in files that were converted from TensorFlow. */
  readonly formerly?: string;
  /** Added by a strategy beside the model's own. */
  readonly isAdapter?: boolean;
  /** The feed whose numbers are the rows that a step reads of it: its gradient is zero in all others. */
  readonly rowsOf?: string | undefined;
}

/** Where something is dropped in training, by a mask of this shape. */
export interface DropoutSite {
  readonly name: string;
  readonly shape: Shape;
  readonly rate: number;
  readonly isAdapter: boolean;
}

type ParameterOptions = Partial<Pick<ParameterInfo, 'decay' | 'layout' | 'formerly' | 'isAdapter'>>;

export interface LinearOptions {
  bias?: boolean;
  layout?: Layout;
  init?: Init;
}

/** What attention takes; its mask, and how its products are taken, are the scope's affair. */
type Attention = Omit<AttentionInputs, 'mask' | 'turned'>;

/**
 * What a family's forward function is written against. Each call says what a parameter is where it is used, and
 * computes with it: run dry the function declares the model (`declare`), recorded it is the program. Names are Hugging
 * Face's, those of nested scopes joined by dots.
 */
export interface Scope {
  /** A name's whole form. */
  nameOf(name: string): string;
  /** What lies under this name, and where it stands. */
  at(name: string, place?: Place): Scope;
  parameter(name: string, shape: readonly number[], init: Init, options?: ParameterOptions): tf.Tensor;
  /** A matrix's rows, some after the others: all of them in one, unless a device cannot bind it whole. */
  matrix(
    name: string,
    shape: readonly [number, number],
    init: Init,
    options?: ParameterOptions,
  ): readonly tf.Tensor2D[];
  /** `x · weightᵀ + bias`: `[M, K]` -> `[M, out]`. */
  linear(name: string, x: tf.Tensor2D, out: number, options?: LinearOptions): tf.Tensor2D;
  /** Rows of a table `[rows, width]` at `ids` `[N]` -> `[N, width]`. */
  embedding(name: string, ids: tf.Tensor1D, rows: number, width: number): tf.Tensor2D;
  /** A head that is tied to a table: `x · tableᵀ`, `[N, width]` -> `[N, rows]`. */
  unembed(name: string, x: tf.Tensor2D, rows: number): tf.Tensor2D;
  /** A `layer` norm has weight and bias, an `rms` norm a weight alone. */
  norm(name: string, x: tf.Tensor2D, kind: 'layer' | 'rms', epsilon: number): tf.Tensor2D;
  attention(site: string, inputs: Attention): tf.Tensor;
  drop<T extends tf.Tensor>(site: string, x: T, rate: number, isAdapter?: boolean): T;
}

/** What a scope stands on. */
export interface Source {
  /** @param ids where no rows but these are read */
  parameter(info: ParameterInfo, ids?: tf.Tensor1D): tf.Tensor;
  /** A matrix that cannot be fed whole: its rows, some after the others. Undefined of any other. */
  pieces?(info: ParameterInfo): readonly tf.Tensor2D[] | undefined;
  /** Undefined where nothing is dropped. */
  mask(site: DropoutSite): tf.Tensor | undefined;
  /** Attention by products that seldom transpose what they read (tensor/ops/attention.ts). */
  readonly turned?: boolean;
}

/** @param deviation of new weights that do not say otherwise */
export function rootScope(source: Source, deviation: number): Scope {
  const normal: Init = { normal: deviation };
  const scopeAt = (path: string, place: Place): Scope => {
    const nameOf = (name: string) => [path, name].filter(Boolean).join('.');
    const info = (name: string, shape: readonly number[], init: Init, options: ParameterOptions = {}) => ({
      ...{ name: nameOf(name), shape, place, init, decay: true },
      ...options,
    });
    const parameter: Scope['parameter'] = (...given) => source.parameter(info(...given));
    const matrix: Scope['matrix'] = (...given) => {
      const own = info(...given);
      return source.pieces?.(own) ?? [source.parameter(own) as tf.Tensor2D];
    };
    const mask = (site: string, shape: Shape, rate: number, isAdapter = false) =>
      rate > 0 ? source.mask({ name: nameOf(site), shape, rate, isAdapter }) : undefined;
    return {
      nameOf,
      parameter,
      matrix,
      at: (name, at = place) => scopeAt(nameOf(name), at),
      linear: (name, x, out, { bias = true, layout = 'out,in', init = normal } = {}) => {
        const transposeB = layout === 'out,in';
        const width = x.shape[1];
        const weight = matrix(`${name}.weight`, transposeB ? [out, width] : [width, out], init, { layout });
        const added = bias ? parameter(`${name}.bias`, [out], 'zeros', { decay: false }) : undefined;
        if (transposeB && added && weight.length === 1) return linear(x, weight[0]!, added);
        const y = productInPieces(x, weight, { transposeB });
        return (added ? tf.add(y, added) : y) as tf.Tensor2D;
      },
      embedding: (name, ids, rows, width) => {
        const own = info(`${name}.weight`, [rows, width], normal);
        const pieces = source.pieces?.(own);
        return pieces ? embeddingInPieces(pieces, ids) : embedding(source.parameter(own, ids), ids);
      },
      unembed: (name, x, rows) =>
        productInPieces(x, matrix(`${name}.weight`, [rows, x.shape[1]], normal), { transposeB: true }),
      norm: (name, x, kind, epsilon) => {
        const own = (end: string, init: Init, formerly: string) =>
          parameter(`${name}.${end}`, [x.shape[1]], init, { decay: false, formerly });
        const gamma = own('weight', 'ones', 'gamma');
        return kind === 'rms' ? rmsNorm(x, gamma, epsilon) : layerNorm(x, gamma, own('bias', 'zeros', 'beta'), epsilon);
      },
      attention: (site, inputs) => {
        const { q, k, rate = 0 } = inputs;
        const kept = mask(site, [...q.shape.slice(0, -1), k.shape.at(-2)!], rate);
        return attention({ ...inputs, mask: kept, turned: source.turned });
      },
      drop: (site, x, rate, isAdapter) => {
        const kept = mask(site, x.shape, rate, isAdapter);
        return kept ? applyDropout(x, kept, rate) : x;
      },
    };
  };
  return scopeAt('', 'head');
}

/** A scope that does some things its own way, wherever in it they are done. */
export const decorate = (inner: Scope, change: (inner: Scope) => Partial<Scope>): Scope => ({
  ...inner,
  ...change(inner),
  at: (name, place) => decorate(inner.at(name, place), change),
});

/** What a forward function asked for, by name. */
export interface Declaration {
  readonly parameters: ReadonlyMap<string, ParameterInfo>;
  /** In the order of their masks' numbers. */
  readonly sites: ReadonlyMap<string, DropoutSite>;
}

/**
 * Runs a forward function dry, on placeholders of these inputs. What strategies have added stands behind the model's
 * own, so that it changes neither its initial values nor its dropout masks.
 */
export function declare(
  forward: (source: Source, inputs: Record<string, tf.Tensor>) => void,
  specs: Readonly<Record<string, TensorSpec>>,
): Declaration {
  const parameters = new Map<string, ParameterInfo>();
  const sites = new Map<string, DropoutSite>();
  const tensors = new Map<string, tf.Tensor>();
  record((inputs) => {
    const parameter: Source['parameter'] = (info, ids) => {
      const known = parameters.get(info.name);
      if (known && String(known.shape) !== String(info.shape))
        throw new Error(`${info.name} is used with the shapes [${known.shape}] and [${info.shape}]`);
      const feed = Object.keys(inputs).find((name) => inputs[name] === ids);
      const rowsOf = known && known.rowsOf !== feed ? undefined : feed;
      parameters.set(info.name, { ...(known ?? info), rowsOf });
      if (!known)
        tensors.set(info.name, placeholder(`parameter ${info.name}`, { shape: info.shape, dtype: 'float32' }));
      return tensors.get(info.name)!;
    };
    const mask: Source['mask'] = (site) => void sites.set(site.name, site);
    forward({ parameter, mask }, inputs);
    return {};
  }, specs);
  return { parameters: ownFirst(parameters), sites: ownFirst(sites) };
}

const ownFirst = <T extends { isAdapter?: boolean }>(all: Map<string, T>): Map<string, T> =>
  new Map([...all].sort(([, a], [, b]) => Number(a.isAdapter ?? false) - Number(b.isAdapter ?? false)));
