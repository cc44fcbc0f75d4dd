import type { Peer, StepSpec } from './spec.ts';

const BERT_BASE = { layers: 12, hidden: 768, heads: 12, vocab: 30_522, batch: 8, length: 128, dropout: 0, frozen: 0 };

export interface StepCase {
  kind: 'step';
  what: string;
  model: Omit<StepSpec, 'backend' | 'threads'>;
  /** Our time over PyTorch's. */
  target: number | null;
  /** Left out of a bare `bench`. */
  slow?: true;
}

/** What a job does; both sides do the same. */
export type JobSpec =
  | {
      type: 'train';
      model: 'minilm' | 'bert-base';
      /** Rows of SST-2's training part; `full` ones are joined until they fill 128 tokens. */
      rows: number | 'all';
      full?: true;
      epochs: number;
      batch: number;
      strategy: 'full' | 'head';
      /** Ends after so many steps. */
      maxSteps?: number;
      /** Measured on SST-2's 872 validation rows at the end. */
      validated: boolean;
      /** Done again with what the first time left in the cache. */
      again?: true;
    }
  /** `eightBit`: by a model that was found to answer in 8 bits as in float. */
  | { type: 'predict'; texts: number; eightBit?: true };

/** One figure of a job as a case of its own. */
export interface Figure {
  figure: 'wall' | 'first-step' | 'cached';
  what: string;
  target: number | null;
}

export interface JobCase {
  kind: 'job';
  job: JobSpec;
  /** By the name that a result carries. */
  figures: Readonly<Record<string, Figure>>;
  peers: readonly Peer[];
  /** Pairs where nobody asks for another number. */
  pairs: number;
  slow?: true;
}

/** A decoder of SmolLM2-135M's shape: its own weights where they are at hand, else random ones. */
export interface DecoderCase {
  kind: 'decoder';
  what: string;
  /** A token after so many of context; or a step of LoRA on dialogues. */
  work: { type: 'token'; context: number; load_in_8bit?: true } | { type: 'tune'; load_in_8bit: boolean };
  /** Tokens or steps whose median is one measurement. */
  steps: number;
  target: number | null;
  slow?: true;
}

/** LoRA of the same decoder over all dialogues once, then measured on those held out; where it was ended, it goes on. */
export interface EpochCase {
  kind: 'epoch';
  what: string;
  load_in_8bit: boolean;
  /** Time of all steps. */
  target: number | null;
  slow: true;
}

/** The starter on so many rows; or LoRA of Qwen2.5-0.5B's shape on texts of so many tokens, to the end. */
export type SizeWork = { type: 'rows'; rows: number } | { type: 'lora'; length: number };

/** Our own job at a size that most never reach, without a peer: it is about what stays bounded. */
export interface SizeCase {
  kind: 'size';
  what: string;
  work: SizeWork;
  /** At most so long from the process's start to the end of the first step, and so much memory. */
  target_ms: number | null;
  target_bytes: number;
  slow?: true;
}

const SST2 = { type: 'train', model: 'minilm', epochs: 1, batch: 16, strategy: 'full', validated: true } as const;
const FIRST_STEP = { ...SST2, validated: false, maxSteps: 1 } as const;

export type Case = StepCase | JobCase | SizeCase | DecoderCase | EpochCase;

/** Every case of `luthier bench`, in the order in which they run. */
export const CASES: Readonly<Record<string, Case>> = {
  'bert-base': { kind: 'step', what: 'step of BERT-base, full, 8 × 128, no dropout', model: BERT_BASE, target: 1 },
  'bert-base-dropout': {
    kind: 'step',
    what: 'the same with dropout 0.1',
    model: { ...BERT_BASE, dropout: 0.1 },
    target: 1,
  },
  'bert-base-freeze8': {
    kind: 'step',
    what: 'the same, no dropout, lower 8 layers frozen',
    model: { ...BERT_BASE, frozen: 8 },
    target: 0.8,
  },
  'bert-base-freeze8-8bit': {
    kind: 'step',
    what: 'BERT-base, lower 8 layers frozen, ours in 8 bits',
    model: { ...BERT_BASE, frozen: 8, load_in_8bit: true },
    target: 0.8,
  },
  'bert-base-lora': {
    kind: 'step',
    what: 'step of BERT-base, LoRA r=8 on query and value, 8 × 128',
    model: { ...BERT_BASE, lora: 8 },
    target: null,
  },
  'bert-base-lora-8bit': {
    kind: 'step',
    what: 'BERT-base, LoRA r=8 on query and value, our base in 8 bits',
    model: { ...BERT_BASE, lora: 8, load_in_8bit: true },
    target: 0.45,
  },
  'minilm-step': {
    kind: 'step',
    what: 'step of MiniLM’s shape, full, 32 × 64',
    model: { ...BERT_BASE, layers: 6, hidden: 384, batch: 32, length: 64 },
    target: null,
  },
  'decoder-lora': {
    kind: 'decoder',
    what: 'step of SmolLM2-135M, LoRA r=8, 4 dialogues of up to 512 tokens',
    work: { type: 'tune', load_in_8bit: false },
    steps: 2,
    target: 1,
    slow: true,
  },
  'decoder-lora-8bit': {
    kind: 'decoder',
    what: 'the same, our base in 8 bits',
    work: { type: 'tune', load_in_8bit: true },
    steps: 2,
    target: 0.5,
    slow: true,
  },
  'decoder-epoch': {
    kind: 'epoch',
    what: 'SmolLM2-135M, LoRA r=8, an epoch of dialogues of up to 512 tokens',
    load_in_8bit: false,
    target: 1,
    slow: true,
  },
  'decoder-epoch-8bit': {
    kind: 'epoch',
    what: 'the same epoch, our base in 8 bits',
    load_in_8bit: true,
    target: 0.5,
    slow: true,
  },
  'decoder-token-128': {
    kind: 'decoder',
    what: 'SmolLM2-135M: a token after 128, greedy, with the cache',
    work: { type: 'token', context: 128 },
    steps: 32,
    target: 0.7,
  },
  'decoder-token-128-8bit': {
    kind: 'decoder',
    what: 'SmolLM2-135M: a token after 128, ours in 8 bits',
    work: { type: 'token', context: 128, load_in_8bit: true },
    steps: 32,
    target: null,
  },
  'decoder-token-1024': {
    kind: 'decoder',
    what: 'SmolLM2-135M: a token after 1,024, greedy, with the cache',
    work: { type: 'token', context: 1024 },
    steps: 32,
    target: 0.7,
  },
  'first-step-minilm': {
    kind: 'job',
    job: { ...FIRST_STEP, rows: 1000 },
    figures: {
      'first-step-minilm': { figure: 'first-step', what: 'MiniLM: process start to first step done', target: null },
    },
    peers: ['pytorch'],
    pairs: 5,
  },
  'first-step-bert-base': {
    kind: 'job',
    job: { ...FIRST_STEP, model: 'bert-base', rows: 64, full: true, batch: 8 },
    figures: {
      'first-step-bert-base': {
        figure: 'first-step',
        what: 'BERT-base, 8 × 128: process start to first step done',
        target: 0.6,
      },
    },
    peers: ['pytorch'],
    pairs: 3,
  },
  'train-1000': {
    kind: 'job',
    job: { ...SST2, rows: 1000 },
    figures: {
      'train-1000': {
        figure: 'wall',
        what: 'MiniLM on 1,000 SST-2 rows, 1 epoch, then 872: whole job',
        target: 0.4,
      },
    },
    peers: ['pytorch'],
    pairs: 2,
  },
  'predict-10000': {
    kind: 'job',
    job: { type: 'predict', texts: 10_000 },
    figures: {
      'predict-10000': { figure: 'wall', what: 'MiniLM: 10,000 short texts from a file, whole job', target: 0.5 },
    },
    peers: ['pytorch'],
    pairs: 2,
  },
  'predict-10000-8bit': {
    kind: 'job',
    job: { type: 'predict', texts: 10_000, eightBit: true },
    figures: {
      'predict-10000-8bit': {
        figure: 'wall',
        what: 'MiniLM: 10,000 short texts from a file, in 8 bits (PyTorch: float), whole job',
        target: 0.35,
      },
    },
    peers: ['pytorch'],
    pairs: 2,
  },
  'train-6920': {
    kind: 'job',
    job: { ...SST2, rows: 'all' },
    figures: {
      'train-6920': {
        figure: 'wall',
        what: 'MiniLM on 6,920 SST-2 rows, 1 epoch, then 872: whole job',
        target: 0.5,
      },
    },
    peers: ['pytorch', 'pytorch, grouped by length'],
    pairs: 3,
    slow: true,
  },
  'bert-base-head': {
    kind: 'job',
    job: {
      type: 'train',
      model: 'bert-base',
      rows: 2000,
      epochs: 3,
      batch: 16,
      strategy: 'head',
      validated: false,
      again: true,
    },
    figures: {
      'bert-base-head': {
        figure: 'wall',
        what: 'BERT-base, head only, 3 epochs over 2,000 SST-2 rows: whole job, first time',
        target: 0.35,
      },
      'bert-base-head-cached': { figure: 'cached', what: 'the same with the cache filled', target: 0.05 },
    },
    peers: ['pytorch'],
    pairs: 2,
    slow: true,
  },
  'rows-1m': {
    kind: 'size',
    what: 'a million rows of 20 words, starter: process start to first step done',
    work: { type: 'rows', rows: 1_000_000 },
    target_ms: 60_000,
    target_bytes: 2e9,
    slow: true,
  },
  'decoder-memory': {
    kind: 'size',
    what: 'Qwen2.5-0.5B’s shape, random weights, LoRA r=8 on rows of 512 tokens: process start to first step done',
    work: { type: 'lora', length: 512 },
    target_ms: null,
    target_bytes: 6e9,
    slow: true,
  },
};
