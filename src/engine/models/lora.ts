import * as tf from '@tensorflow/tfjs-core';
import type { LoraStrategy } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { applyDropout, matMul } from '../ops/index.ts';
import { type Dense, type Masks, type Parameters, plainDense } from './bert.ts';
import type { Encoder } from './registry.ts';

/** Which linear layers have adapters, and what is trained whole beside them; modules by their Hugging Face names. */
export interface Adapters {
  readonly settings: LoraStrategy;
  readonly targets: readonly string[];
  readonly modulesToSave: readonly string[];
}

const A = '.lora_A.weight';
const B = '.lora_B.weight';
const DROPOUT = '.lora_dropout';

/** Names of a module's two matrices, A `[r, in]` and B `[out, r]`: peft's, without the prefix of its files. */
export const loraNames = (module: string) => ({ a: module + A, b: module + B });
export const isLoraName = (name: string): boolean => name.endsWith(A) || name.endsWith(B);

/** alpha / r, as peft scales what an adapter adds. */
export const loraScaling = ({ lora_alpha, r }: LoraStrategy): number => lora_alpha / r;

/**
 * An encoder whose linear layers named by `target_modules` compute `x Wᵀ + b + (alpha / r) dropout(x) Aᵀ Bᵀ` (Hu et al.
 * 2021, LoRA), each with A and B of its own. Names are matched as peft matches them: a module's whole name, or its end.
 * @param modulesToSave modules that are trained whole and so have no adapters
 * @throws LuthierError `recipe-invalid` naming a target that the model does not have
 */
export function withLora(encoder: Encoder, settings: LoraStrategy, modulesToSave: readonly string[]): Encoder {
  const modules = Object.keys(encoder.linearInputs({ rows: 1, length: 1, texts: 1 }));
  const targets = targetsOf(modules, settings.target_modules, modulesToSave);
  const rate = settings.lora_dropout;
  const adaptedDense = (p: Parameters, masks: Masks): Dense => {
    const dense = plainDense(p);
    const alpha = loraScaling(settings);
    const isTarget = new Set(targets);
    return (module, x) => {
      const y = dense(module, x);
      if (!isTarget.has(module)) return y;
      const { a, b } = loraNames(module);
      const mask = masks[module + DROPOUT];
      const kept = mask ? applyDropout(x, mask, rate) : x;
      const narrow = matMul(kept, p[a]!, { transposeB: true });
      return tf.add(y, matMul(narrow, p[b]!, { transposeB: true, alpha }));
    };
  };
  return {
    ...encoder,
    adapters: { settings, targets, modulesToSave },
    parameterShapes: (numLabels) => {
      const shapes = encoder.parameterShapes(numLabels);
      const matrices = targets.flatMap((module) => {
        const [out, width] = shapes[`${module}.weight`] as [number, number];
        const { a, b } = loraNames(module);
        return [
          [a, [settings.r, width]],
          [b, [out, settings.r]],
        ];
      });
      return { ...shapes, ...(Object.fromEntries(matrices) as Record<string, number[]>) };
    },
    dropoutSites: (batch) => {
      if (rate === 0) return encoder.dropoutSites(batch);
      const inputs = encoder.linearInputs(batch);
      const sites = targets.map((module) => [module + DROPOUT, { shape: inputs[module]!, rate }]);
      return { ...encoder.dropoutSites(batch), ...Object.fromEntries(sites) };
    },
    firstTokens: (p, inputs, batch, masks) => encoder.firstTokens(p, inputs, batch, masks, adaptedDense(p, masks)),
    classifier: (p, first, masks) => encoder.classifier(p, first, masks, adaptedDense(p, masks)),
  };
}

/** peft's `all-linear`, or a list of names of which each must be somewhere. */
function targetsOf(
  modules: readonly string[],
  wanted: LoraStrategy['target_modules'],
  modulesToSave: readonly string[],
): string[] {
  const adaptable = modules.filter((module) => !modulesToSave.includes(module));
  if (wanted === 'all-linear') return adaptable;
  const matches = (module: string, name: string) => module === name || module.endsWith(`.${name}`);
  for (const name of wanted) {
    if (adaptable.some((module) => matches(module, name))) continue;
    const isTrained = modulesToSave.some((module) => matches(module, name));
    throw new LuthierError(
      'recipe-invalid',
      isTrained
        ? `strategy.target_modules names "${name}", which LoRA already trains in full.`
        : `strategy.target_modules names "${name}", but the model has no linear layer with that name.`,
      `Valid names: ${[...new Set(adaptable.map((module) => module.slice(module.lastIndexOf('.') + 1)))].join(', ')}, a whole name such as ${adaptable[0]}, or "all-linear".`,
    );
  }
  return adaptable.filter((module) => wanted.some((name) => matches(module, name)));
}

/**
 * Adds the adapters to a copy of the weights that they adapt, `W + (alpha / r) B A`, and leaves the adapters out: the
 * weights of a plain model that answers alike.
 */
export function mergeLora(
  { settings, targets }: Adapters,
  weights: ReadonlyMap<string, { readonly shape: readonly number[]; readonly weight: Float32Array }>,
): Map<string, { shape: readonly number[]; weight: Float32Array }> {
  const merged = new Map([...weights].filter(([name]) => !isLoraName(name)));
  for (const module of targets) {
    const name = `${module}.weight`;
    const { shape, weight } = weights.get(name)!;
    const { a, b } = loraNames(module);
    const sum = Float32Array.from(weight);
    addProduct(sum, weights.get(b)!.weight, weights.get(a)!.weight, settings.r, loraScaling(settings));
    merged.set(name, { shape, weight: sum });
  }
  return merged;
}

/** `sum += scale · left right` for left `[rows, inner]` and right `[inner, columns]`. */
function addProduct(sum: Float32Array, left: Float32Array, right: Float32Array, inner: number, scale: number): void {
  const columns = right.length / inner;
  const row = new Float64Array(columns);
  for (let i = 0; i * columns < sum.length; i++) {
    row.fill(0);
    for (let k = 0; k < inner; k++) {
      const factor = left[i * inner + k]!;
      for (let j = 0; j < columns; j++) row[j]! += factor * right[k * columns + j]!;
    }
    for (let j = 0; j < columns; j++) sum[i * columns + j]! += scale * row[j]!;
  }
}
