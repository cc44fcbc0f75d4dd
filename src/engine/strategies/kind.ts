import { z } from 'zod';
import {
  LABEL_PLACE,
  LABEL_TEMPLATES,
  LuthierError,
  type Note,
  type Strategy,
  type TaskName,
} from '../../protocol/index.ts';
import type { Adapters, Architecture, Prompt } from '../models/architecture.ts';
import type { Reading } from '../models/config.ts';
import type { ParameterInfo } from '../models/scope.ts';

/** What a suggestion depends on. */
export interface Facts {
  /** Layers of the model. */
  layers: number;
  /** The linear layers that peft adapts in its family, by the ends of their names. */
  loraTargets: readonly string[];
  /** It reads from left to right: mostly too large to be trained whole. */
  isDecoder: boolean;
  /** It learns to write. */
  writes: boolean;
  /** What it learns reads every token, not one for the whole text. */
  readsEveryToken?: boolean;
  parameters: number;
  /** Of the rows that are learnt, where they have such and they were counted. */
  classes?: number | undefined;
  /** Their names say what they mean, and a row is one text: then names can be learnt, too. */
  named?: boolean | undefined;
}

/** Of the starter and of most small models. */
export const USUAL_FACTS: Facts = {
  layers: 6,
  loraTargets: ['query', 'value'],
  isDecoder: false,
  writes: false,
  parameters: 3e7,
};

/** Parameters of a decoder up to which it is trained whole to write. */
const MOST_OF_SMALL = 5e7;

/**
 * A decoder so small that adapters on it learn little: fine-tuned on the support dialogues of the examples, starters/decoder
 * (19 M) has a perplexity of 45 where LoRA comes to 108 (bench/NOTES.md).
 */
export const isSmallWriter = ({ isDecoder, writes, parameters }: Facts): boolean =>
  isDecoder && writes && parameters <= MOST_OF_SMALL;

/** How long a run is, in optimiser steps. */
export interface RunLength {
  perEpoch: number;
  total: number;
}

/** Rows of a class up to which pairs were seen to teach the most (bench/NOTES.md, “Few rows”). */
const MOST_FOR_PAIRS = 32;
/** And up to which the labels' names were seen to help. */
const MOST_FOR_NAMES = 16;

/** Training rows that are compared at most: more are better learnt one by one. */
export const MOST_PAIRED_ROWS = 1000;

/** Whether an encoder has so few rows of each class that it learns the most from pairs; two of one class there must be. */
export const areFewRows = (rows: number, { classes = 0, isDecoder }: Facts): boolean =>
  classes > 1 && !isDecoder && rows > classes && rows <= Math.min(MOST_FOR_PAIRS * classes, MOST_PAIRED_ROWS);

/** A model as strategies see it: what its family declares, nothing that computes, so that recipes are read without that. */
export interface Model {
  readonly numLayers: number;
  /** Names of what is the base model's own begin with it. */
  readonly prefix: string;
  readonly parameters: ReadonlyMap<string, ParameterInfo>;
  /** The head came with it, a language model's: it stays as it is. */
  readonly hasOwnHead: boolean;
  /** The linear layers that peft adapts in its family. */
  readonly loraTargets: readonly string[];
  /** Tokens of the longest text that the base model reads. */
  readonly positions: number;
  /** Its head reads every token, not one for the whole text. */
  readonly readsEveryToken: boolean;
  /** Of a token's keys in a layer, all heads together; its values are as many. */
  readonly keyValueWidth: number;
  /** Names of the layer that answers: its weight and bias. */
  readonly answers: readonly string[];
  /** How its texts are read, where that was set up; and whether it can be. */
  readonly reading?: Reading | undefined;
  readonly canEmbed: boolean;
  /** What the strategy has added. */
  readonly adapters?: Adapters | undefined;
  readonly prompt?: Prompt | undefined;
}

/** What is at hand where a run begins, not where it is estimated. */
export interface Beginning {
  /** Ids of a text as the model's tokenizer gives them, special ones included. */
  readonly encode: (text: string) => readonly number[];
  readonly note: Note;
}

/** How rows that are compared teach an encoder: setfit's names. */
export interface PairKeys {
  num_iterations: number;
  batch_size: number;
  max_steps: number;
  body_learning_rate: number;
  warmup_proportion: number;
}

/** What a prompt is pre-trained on before the rows are learnt. */
export interface PretrainingKeys {
  /** A file of texts without labels. */
  dataset: string;
  /** Passes over them. */
  epochs: number;
}

type StrategySchema<S> = z.ZodObject & { readonly shape: { readonly type: z.ZodLiteral<string> } } & z.ZodType<S>;

/**
 * A way to choose which parameters are trained: one file, and a line in the registry (index.ts). Schema, docs, the
 * editor's and the terminal's questions, costs and checks follow from it.
 */
export interface StrategyKind<S extends Strategy = Strategy> {
  /** Keys in a recipe beside `type`; one that is left out has the default of the library that it is named after. */
  readonly schema: StrategySchema<S>;
  /** As it is offered. */
  readonly title: string;
  detail(strategy: S, facts?: Facts): string;
  /** The strategy as every door writes it into a recipe. @param rows where they are known */
  suggest(facts: Facts, rows?: number): S;
  /** Whether it is offered first for so many rows and such a model. */
  isRecommended?(rows: number, facts: Facts): boolean;
  /** Why it is, in a few words, where the number of rows decides it. */
  reason?(rows: number, facts: Facts): string | undefined;
  /** It trains the classifier, so that it is not offered for a task whose models write. */
  readonly needsClassifier?: true;
  /** A variant of another way, or one for special cases: it is compared with the others only where a person names it. */
  readonly isVariant?: true;
  /** Tasks that it cannot learn, for which it is not offered. */
  readonly notFor?: readonly TaskName[];
  /** It is for models that read a text from both sides. */
  readonly needsEncoder?: true;
  /** It is for models that learn to write. */
  readonly needsWriter?: true;
  /** Where what it trains needs another learning rate than pretrained weights do. */
  learningRate?(facts: Facts): number | undefined;
  /**
   * What it adds to the model; models/lora.ts computes with it.
   * @param isStored whether the model comes with a parameter
   * @throws WrongKey
   */
  adapters?(strategy: S, model: Model, isStored: (name: string) => boolean): Adapters;
  /** The same for what stands in front of each text; models/prompt.ts and models/prefix.ts compute with it. */
  prompt?(strategy: S, model: Model, isStored: (name: string) => boolean, beginning?: Beginning): Prompt;
  /**
   * Which parameters a phase trains; without one, those that any does.
   * @param model with what the strategy adds
   * @throws WrongKey
   */
  trained(strategy: S, model: Model, phase?: number): (parameter: ParameterInfo) => boolean;
  /**
   * Steps done when each phase begins, the first 0; without it there is one phase. One that the run ends before is left
   * out, and one that begins with the next has no steps.
   */
  phases?(strategy: S, model: Model, run: RunLength): readonly number[];
  /** What to say of a run that is too short for the strategy, or null. */
  tooShort?(strategy: S, model: Model, run: RunLength): string | null;
  /** A parameter's learning rate over the run's; without it 1. */
  rate?(strategy: S, model: Model): (parameter: ParameterInfo) => number;
  /** Whether the layer that answers is solved to its end (train/solve-head.ts) in the place of the optimiser's steps. */
  isSolved?(strategy: S): boolean;
  /** Whether a text is read as the model was made to embed it (model-files/pooling.ts), where the recipe does not say. */
  embeds?(strategy: S): boolean;
  /**
   * Where what it adds is also written by itself: its part of peft's adapter_config.json.
   * @param architecture with what it adds
   * @param base name or path of the base model
   */
  peftConfig?(strategy: S, architecture: Architecture, base: string): Record<string, unknown>;
  /**
   * Where the steps learn from pairs of rows by their embeddings (train/lessons.ts), and the classifier is solved on
   * these whenever it is asked.
   */
  pairs?(strategy: S): PairKeys;
  /** Where what it adds is first trained on texts without labels (train/pretraining.ts). */
  pretraining?(strategy: S): PretrainingKeys | undefined;
}

/** A strategy's key that does not fit the model. */
export class WrongKey extends LuthierError {
  /** @param instead the value that fits best, where there is one */
  constructor(
    readonly key: string,
    message: string,
    hint?: string,
    readonly instead?: unknown,
  ) {
    super('recipe-invalid', message, hint);
  }
}

/** Training rows up to which everything is trained where nothing else is said: it is the most accurate, and takes longest. */
export const MOST_ROWS_IN_FULL = 50_000;

/** How many groups of parameters lie above one, by the layers: 0 for the head, 1 for the top layer, the embeddings last. */
export const depthOf = ({ place }: ParameterInfo, { numLayers }: Pick<Model, 'numLayers'>): number =>
  place === 'head' ? 0 : numLayers - Math.max(place, -1);

/** A key of strategies that train layers at the run's learning rate where it is left out. */
export const layerwise_lr_decay = z
  .number()
  .positive()
  .max(1)
  .describe(
    "Each layer's learning rate is that of the layer above times this (0.8 to 0.95 are usual); the classifier has learning_rate, the embeddings the lowest. If left out, all have the same.",
  )
  .exactOptional();

/**
 * Layer-wise decay of the learning rate: `decay ** depth`, as in the fine-tuning of BEiT (Bao et al. 2021) and ELECTRA
 * (Clark et al. 2020; there the layers are one step further from the head).
 */
export const layerwiseRate =
  (decay: number | undefined, model: Pick<Model, 'numLayers'>) =>
  (parameter: ParameterInfo): number =>
    decay === undefined ? 1 : decay ** depthOf(parameter, model);

/** Keys of strategies that freeze layers, as BitsAndBytesConfig of transformers calls them. */
export const quantization = {
  load_in_8bit: z
    .boolean()
    .describe(
      'Run the frozen linear layers in 8 bits during training, which is faster on a processor and takes less memory on a graphics card; off by default. The saved model uses float, and so does evaluation on a processor.',
    )
    .exactOptional(),
  load_in_4bit: z
    .boolean()
    .describe(
      'Have the frozen linear layers of a decoder in 4 bits on a graphics card, so that larger models fit into its memory; off by default. A processor computes them in float. The saved model uses float.',
    )
    .exactOptional(),
};

/** The first of these, where it was measured to cost no accuracy: over the frozen layers of encoders (bench/quantisation.md). */
export const suggestedIn8Bit = ({ isDecoder }: Facts): { load_in_8bit?: true } =>
  isDecoder ? {} : { load_in_8bit: true };

/** A strategy without these keys: what 8 bits are suggested beside may leave no room for them. */
export function inFloat<S extends Partial<Strategy>>(strategy: S): S {
  const others = { ...strategy } as S & { load_in_8bit?: boolean; load_in_4bit?: boolean };
  for (const key of ['load_in_8bit', 'load_in_4bit'] as const) delete others[key];
  return others;
}

/** A key of strategies whose classifier is solved. */
export const label_templates = z
  .array(z.string().regex(/\{\}/, { error: `a template has ${LABEL_PLACE} where the label’s name belongs` }))
  .min(1)
  .max(20)
  .describe(
    `Texts that are learnt beside the training rows, each once for every label, with the label’s name in the place of ${LABEL_PLACE}: ${JSON.stringify(LABEL_TEMPLATES)} are what Luthier suggests for a few rows of each class. Labels whose names say nothing (0, LABEL_2) are left out. If left out, none.`,
  )
  .exactOptional();

/** That key, where names are seen to help: few rows of each class, and names that say something (bench/NOTES.md, “Few rows”). */
export const suggestedTemplates = (facts: Facts, rows = 0): { label_templates?: string[] } =>
  facts.named && areFewRows(rows, facts) && rows <= MOST_FOR_NAMES * facts.classes!
    ? { label_templates: [...LABEL_TEMPLATES] }
    : {};
