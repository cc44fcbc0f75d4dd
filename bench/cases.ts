import type { StepSpec } from './spec.ts';

const BERT_BASE = { layers: 12, hidden: 768, heads: 12, vocab: 30_522, batch: 8, length: 128, dropout: 0, frozen: 0 };

export interface StepCase {
  kind: 'step';
  what: string;
  model: Omit<StepSpec, 'backend' | 'threads'>;
  target: number | null;
  /** Left out of a bare `bench`. */
  slow?: true;
}

export interface JobCase {
  kind: 'job';
  what: string;
  /** Script under bench/peers, and its name in bench/jobs.ts. */
  job: 'train-1000' | 'train-6920' | 'predict-10000';
  /** Which of the job's figures this case is about. */
  figure: 'wall' | 'first-step';
  target: number | null;
  slow?: true;
}

/** Every case of `luthier bench`, in the order in which they run. */
export const CASES: Readonly<Record<string, StepCase | JobCase>> = {
  'bert-base': { kind: 'step', what: 'step of BERT-base, full, 8 × 128', model: BERT_BASE, target: 1 },
  'bert-base-dropout': {
    kind: 'step',
    what: 'the same with dropout 0.1',
    model: { ...BERT_BASE, dropout: 0.1 },
    target: 1,
  },
  'bert-base-freeze8': {
    kind: 'step',
    what: 'the same, lower 8 layers frozen',
    model: { ...BERT_BASE, frozen: 8 },
    target: 0.8,
  },
  'minilm-step': {
    kind: 'step',
    what: 'step of MiniLM’s shape, full, 32 × 64',
    model: { ...BERT_BASE, layers: 6, hidden: 384, batch: 32, length: 64 },
    target: null,
  },
  'first-step': {
    kind: 'job',
    what: 'MiniLM: process start to first step done',
    job: 'train-1000',
    figure: 'first-step',
    target: null,
  },
  'train-1000': {
    kind: 'job',
    what: 'MiniLM on 1,000 SST-2 rows, 1 epoch, then 872: whole job',
    job: 'train-1000',
    figure: 'wall',
    target: 0.4,
  },
  'predict-10000': {
    kind: 'job',
    what: 'MiniLM: 10,000 short texts from a file, whole job',
    job: 'predict-10000',
    figure: 'wall',
    target: 0.5,
  },
  'train-6920': {
    kind: 'job',
    what: 'MiniLM on 6,920 SST-2 rows, 1 epoch, then 872: whole job',
    job: 'train-6920',
    figure: 'wall',
    target: 0.5,
    slow: true,
  },
};
