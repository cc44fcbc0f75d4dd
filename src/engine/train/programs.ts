import * as tf from '@tensorflow/tfjs-core';
import type { Program, TensorSpec } from '../executors/executor.ts';
import { type BatchShape, batchSpecs, labelSpecs } from '../models/batch.ts';
import type { BertInputs, Masks } from '../models/bert.ts';
import type { Encoder } from '../models/registry.ts';
import { crossEntropy, valueAndGrads } from '../ops/index.ts';

export interface ReadyProgram {
  program: Program;
  inputs: Record<string, TensorSpec>;
}

/** Feeds and outputs of a parameter carry these in front of its name. */
export const PARAMETER = 'p:';
export const GRADIENT = 'grad:';
export const MASK = 'mask:';

export interface ProgramOptions {
  encoder: Encoder;
  shapes: Readonly<Record<string, readonly number[]>>;
  batch: BatchShape;
  /** Parameters that a training step may compute with in 8 bits; the same in every run. */
  isHeldIn8Bit?: (name: string) => boolean;
}

const under = (prefix: string, inputs: Record<string, tf.Tensor>): Record<string, tf.Tensor> =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([name, t]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), t]] : [])),
  );

const parameterSpecs = (
  shapes: ProgramOptions['shapes'],
  wanted: (name: string) => boolean,
  isHeldIn8Bit: (name: string) => boolean = () => false,
): Record<string, TensorSpec> =>
  Object.fromEntries(
    Object.entries(shapes).flatMap(([name, shape]) =>
      wanted(name)
        ? [[PARAMETER + name, { shape, dtype: 'float32', ...(isHeldIn8Bit(name) ? { held: 'int8' } : {}) } as const]]
        : [],
    ),
  );

const isHead = (encoder: Encoder) => (name: string) => encoder.placeOf(name) === 'head';
const isEncoder = (encoder: Encoder) => (name: string) => encoder.placeOf(name) !== 'head';

const featureSpecs = ({ encoder, batch }: ProgramOptions) =>
  ({ features: { shape: [batch.texts, encoder.hiddenSize], dtype: 'float32' } }) as const;

/** Texts -> `logits` `[N, C]`, nothing dropped. */
export function logitsProgram(options: ProgramOptions): ReadyProgram {
  const { encoder, shapes, batch } = options;
  return {
    inputs: { ...batchSpecs(batch), ...parameterSpecs(shapes, () => true) },
    program: (inputs) => {
      const p = under(PARAMETER, inputs);
      return { logits: encoder.classifier(p, encoder.firstTokens(p, inputs as unknown as BertInputs, batch, {}), {}) };
    },
  };
}

/** Texts -> `features` `[N, H]`: what a head is given when nothing below it changes. */
export function featuresProgram(options: ProgramOptions): ReadyProgram {
  const { encoder, shapes, batch } = options;
  return {
    inputs: { ...batchSpecs(batch), ...parameterSpecs(shapes, isEncoder(encoder)) },
    program: (inputs) => ({
      features: encoder.firstTokens(under(PARAMETER, inputs), inputs as unknown as BertInputs, batch, {}),
    }),
  };
}

/** Features -> `logits`. */
export function headLogitsProgram(options: ProgramOptions): ReadyProgram {
  const { encoder, shapes } = options;
  return {
    inputs: { ...featureSpecs(options), ...parameterSpecs(shapes, isHead(encoder)) },
    program: (inputs) => ({ logits: encoder.classifier(under(PARAMETER, inputs), inputs.features as tf.Tensor2D, {}) }),
  };
}

export interface TrainingOptions extends ProgramOptions {
  trained: readonly string[];
  labelSmoothing: number;
  /** Of each class, where classes are weighted and targets smoothed. */
  classWeights?: Float32Array | undefined;
  /** Starts from features instead of texts. */
  fromFeatures: boolean;
}

/** Texts or features, with labels and weights -> `loss` and the gradient of each trained parameter. */
export function trainingProgram(options: TrainingOptions): ReadyProgram {
  const { encoder, shapes, batch, trained, labelSmoothing, classWeights, fromFeatures } = options;
  const sites = trainingSites(options);
  return {
    inputs: {
      ...(fromFeatures ? featureSpecs(options) : batchSpecs(batch)),
      ...labelSpecs(batch),
      ...parameterSpecs(shapes, fromFeatures ? isHead(encoder) : () => true, options.isHeldIn8Bit),
      ...Object.fromEntries(
        Object.entries(sites).map(([site, { shape }]) => [MASK + site, { shape, dtype: 'bool' } as const]),
      ),
    },
    program: (inputs) => {
      const p = under(PARAMETER, inputs);
      const masks: Masks = under(MASK, inputs);
      const { value, grads } = valueAndGrads(
        (training) => {
          const all = { ...p, ...training };
          const first = fromFeatures
            ? (inputs.features as tf.Tensor2D)
            : encoder.firstTokens(all, inputs as unknown as BertInputs, batch, masks);
          const logits = encoder.classifier(all, first, masks);
          const [labels, weights] = [inputs.labels as tf.Tensor1D, inputs.weights as tf.Tensor1D];
          return crossEntropy(logits, labels, weights, labelSmoothing, classWeights && tf.tensor1d(classWeights));
        },
        Object.fromEntries(trained.map((name) => [name, p[name]!])),
      );
      return { loss: value, ...Object.fromEntries(Object.entries(grads).map(([name, g]) => [GRADIENT + name, g])) };
    },
  };
}

/** Dropout sites of a training program; from features on, the head's alone, which are named for its layers. */
export function trainingSites({
  encoder,
  batch,
  fromFeatures,
}: Pick<TrainingOptions, 'encoder' | 'batch' | 'fromFeatures'>) {
  const sites = encoder.dropoutSites(batch);
  if (!fromFeatures) return sites;
  const head = Object.keys(encoder.linearInputs(batch)).filter((layer) => encoder.placeOf(layer) === 'head');
  return Object.fromEntries(
    Object.entries(sites).filter(([site]) => head.some((layer) => site === layer || site.startsWith(`${layer}.`))),
  );
}
