import * as tf from '@tensorflow/tfjs-core';
import { LuthierError } from '../../protocol/index.ts';
import { embedding } from '../tensor/ops/index.ts';
import { ConfigReader, MOST, shown } from './config.ts';

/** How far a head's pairs turn from one position to the next, and a factor on both cosine and sine. */
export interface Rotation {
  readonly frequencies: readonly number[];
  readonly factor: number;
}

/** As transformers' modeling_rope_utils.py has them; `dynamic` differs from none only past the positions, which end there. */
const SCALINGS: Readonly<Record<string, (plain: number[], read: ConfigReader, of: Context) => Rotation>> = {
  default: (frequencies) => ({ frequencies, factor: 1 }),
  dynamic: (frequencies) => ({ frequencies, factor: 1 }),
  linear: (plain, read) => {
    const factor = read.positive('factor');
    return { frequencies: plain.map((f) => f / factor), factor: 1 };
  },
  llama3,
  yarn,
};

interface Context {
  D: number;
  theta: number;
  positions: number;
}

/**
 * The rotary settings of a config.json in both of their forms: `rope_theta` beside `rope_scaling`, and transformers 5's
 * `rope_parameters`, which has everything.
 * @param D a head's width
 * @throws LuthierError `model-unsupported` naming a scaling that is not known, `model-invalid`
 */
export function readRotation(read: ConfigReader, D: number, positions: number): Rotation {
  const [key, settings] = ['rope_parameters', 'rope_scaling']
    .map((name) => [name, read.map(name)] as const)
    .find(([, map]) => map !== undefined) ?? ['rope_scaling', {}];
  const inner = new ConfigReader(settings!, `${read.file}: ${key}`);
  const theta = settings!.rope_theta == null ? read.positive('rope_theta', 10_000) : inner.positive('rope_theta');
  const type = settings!.rope_type ?? settings!.type ?? 'default';
  const scaling = typeof type === 'string' && Object.hasOwn(SCALINGS, type) ? SCALINGS[type] : undefined;
  if (!scaling || D % 2 !== 0) {
    throw new LuthierError(
      'model-unsupported',
      scaling
        ? `${read.file}: heads of ${D} have no pairs to rotate.`
        : `${read.file}: ${key} has the rope_type ${shown(type)}, which is not supported.`,
      `Supported: ${Object.keys(SCALINGS).join(', ')}.`,
    );
  }
  if ((settings!.partial_rotary_factor ?? 1) !== 1) inner.expect('partial_rotary_factor', 1);
  read.expect('partial_rotary_factor', 1);
  const plain = Array.from({ length: D / 2 }, (_, i) => theta ** ((-2 * i) / D));
  return scaling(plain, inner, { D, theta, positions });
}

/** Llama 3.1: long waves are stretched, short ones left, and those between blended. */
function llama3(plain: number[], read: ConfigReader, { positions }: Context): Rotation {
  const [factor, low, high] = ['factor', 'low_freq_factor', 'high_freq_factor'].map((key) => read.positive(key)) as [
    number,
    number,
    number,
  ];
  const original = read.size('original_max_position_embeddings', MOST.positions, positions);
  const frequencies = plain.map((f) => {
    const turns = (original * f) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return kept * f + (1 - kept) * (f / factor);
  });
  return { frequencies, factor: 1 };
}

/** YaRN (Peng et al. 2023): by how often a pair turns in the original length, and sharper scores. */
function yarn(plain: number[], read: ConfigReader, { D, theta, positions }: Context): Rotation {
  const original = read.size('original_max_position_embeddings', MOST.positions, positions);
  const factor = read.positive('factor', positions / original);
  const [fast, slow] = [read.positive('beta_fast', 32), read.positive('beta_slow', 1)];
  const pairTurning = (turns: number) => (D * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [from, to] = [pairTurning(fast), pairTurning(slow)];
  const isWhole = read.flag('truncate', true);
  const low = Math.max(isWhole ? Math.floor(from) : from, 0);
  const end = Math.min(isWhole ? Math.ceil(to) : to, D - 1);
  const high = end === low ? low + 0.001 : end;
  const frequencies = plain.map((f, i) => {
    const stretched = Math.min(1, Math.max(0, (i - low) / (high - low)));
    return (1 - stretched) * f + stretched * (f / factor);
  });
  const sharpness = (scale: number) => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  const [mscale, all] = [read.number('mscale', 0), read.number('mscale_all_dim', 0)];
  const usual = mscale > 0 && all > 0 ? sharpness(mscale) / sharpness(all) : sharpness(1);
  return { frequencies, factor: read.positive('attention_factor', usual) };
}

/** Rows of the table of fine steps; one row of the coarse table is as many positions. */
const STEPS = 256;

interface Table {
  cos: Float32Array;
  sin: Float32Array;
  shape: [rows: number, pairs: number];
}

/** Cosines and sines of each pair's angle after so many steps of so many positions. */
function tableOf(frequencies: readonly number[], rows: number, step: number): Table {
  const pairs = frequencies.length;
  const of = (value: (angle: number) => number) =>
    Float32Array.from({ length: rows * pairs }, (_, i) =>
      value(Math.floor(i / pairs) * step * frequencies[i % pairs]!),
    );
  return { cos: of(Math.cos), sin: of(Math.sin), shape: [rows, pairs] };
}

/** A forward function asks for them each time that it is run or recorded. */
const made = new WeakMap<Rotation, { coarse: Table; fine: Table }>();

function tablesOf(rotation: Rotation, positions: number): { coarse: Table; fine: Table } {
  const rows = Math.ceil(positions / STEPS);
  const known = made.get(rotation);
  if (known?.coarse.shape[0] === rows) return known;
  const { frequencies } = rotation;
  const tables = { coarse: tableOf(frequencies, rows, STEPS), fine: tableOf(frequencies, STEPS, 1) };
  made.set(rotation, tables);
  return tables;
}

/**
 * Of tokens at these positions `[T]`: cosine and sine of each pair's angle, `[T, D / 2]`. Both are looked up in tables
 * made in double precision, an angle being a coarse and a fine one: a graphics card's own cosine is exact to 2⁻¹¹, and
 * within ±π alone (WGSL, accuracy of expressions).
 * @param positions how many there are
 */
export function anglesAt(position_ids: tf.Tensor1D, rotation: Rotation, positions: number): Angles {
  const coarse = tf.cast(tf.floor(tf.mul(tf.cast(position_ids, 'float32'), 1 / STEPS)), 'int32') as tf.Tensor1D;
  const fine = tf.sub(position_ids, tf.mul(coarse, tf.scalar(STEPS, 'int32'))) as tf.Tensor1D;
  const lookUp = ({ cos, sin, shape }: Table, at: tf.Tensor1D): Angles => ({
    cos: embedding(tf.tensor2d(cos, shape), at),
    sin: embedding(tf.tensor2d(sin, shape), at),
  });
  const tables = tablesOf(rotation, positions);
  const [a, b] = [lookUp(tables.coarse, coarse), lookUp(tables.fine, fine)];
  const { factor } = rotation;
  const scaled = (x: tf.Tensor) => (factor === 1 ? x : tf.mul(x, factor)) as tf.Tensor2D;
  return {
    cos: scaled(tf.sub(tf.mul(a.cos, b.cos), tf.mul(a.sin, b.sin))),
    sin: scaled(tf.add(tf.mul(a.sin, b.cos), tf.mul(a.cos, b.sin))),
  };
}

export interface Angles {
  cos: tf.Tensor2D;
  sin: tf.Tensor2D;
}
