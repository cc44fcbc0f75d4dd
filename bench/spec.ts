import type { BackendChoice } from '../src/protocol/index.ts';

/** A step case: a BERT of this shape on a full batch. */
export interface StepSpec {
  layers: number;
  hidden: number;
  heads: number;
  vocab: number;
  batch: number;
  length: number;
  dropout: number;
  /** Lower layers frozen; 0 trains everything. */
  frozen: number;
  backend: BackendChoice;
  threads: number;
}

/** What one side of one pair measured. */
export interface Sample {
  ms: number;
  peak_rss_bytes: number;
}

/** A measured case, as `bench --json` prints it and bench/results.json keeps it. */
export interface Result {
  case: string;
  /** What a lower number means: milliseconds of this. */
  measures: string;
  ms: number;
  peer: 'pytorch' | 'tfjs-node';
  peer_ms: number;
  /** Median of the pairs' ratios, ours over the peer's. */
  ratio: number;
  ratios: number[];
  /** (largest - smallest) / median of our samples. */
  spread: number;
  peer_spread: number;
  peak_rss_bytes: number;
  peer_peak_rss_bytes: number;
  /** The target ratio that the project set itself, if any. */
  target: number | null;
  machine: string;
  date: string;
  command: string;
}
