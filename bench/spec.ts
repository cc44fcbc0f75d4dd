import type { BackendChoice } from '../src/protocol/index.ts';

/** A step case: a BERT of this shape on a full batch. */
export interface StepSpec {
  layers: number;
  hidden: number;
  heads: number;
  vocab: number;
  batch: number;
  length: number;
  /** Tokens of texts that steps take in turn, `batch` at a time, instead of such of `length`. */
  lengths?: readonly number[];
  dropout: number;
  /** Lower layers frozen; 0 trains everything. */
  frozen: number;
  /** Rank of adapters on queries and values, beside a frozen model; the peer is peft. */
  lora?: number;
  /** Ours computes frozen layers in 8 bits; the peer does not. */
  load_in_8bit?: boolean;
  backend: BackendChoice;
  threads: number;
  /** Where PyTorch computes; the processor where left out. */
  device?: 'cpu' | 'cuda' | 'mps';
}

/** Who is measured: ourselves, and whom we are compared with; `before` is Luthier as another checkout has it. */
export type Peer = 'pytorch' | 'pytorch, grouped by length' | 'tfjs-node' | 'llama.cpp' | 'before';
export type Contender = 'luthier' | Peer;

/** What one contender gave in one round. */
export interface Measured {
  /** Milliseconds by figure: `step`, the median, `fastest`, `total`, and on a card `update`, the optimiser's part; or `wall`, `first-step`, `before-step`, `cached`. */
  figures: Record<string, number>;
  peak_rss_bytes: number;
  accuracy?: number;
  /** Of all steps. */
  tokens?: number;
  /** Of each step, where both sides train on the same rows from the same weights. */
  losses?: number[];
}

/** One turn of every contender, one after the other. */
export type Round = Partial<Record<Contender, Measured>>;

/** Gflop/s of a float32 matrix product of the case's width, by contender, measured in the same session. */
export type Rates = Partial<Record<Contender, number>>;

/** A measured case, as `bench --json` prints it and bench/results.json keeps it. */
export interface Result {
  case: string;
  /** What a lower number means: milliseconds of this. */
  measures: string;
  ms: number;
  peer: Peer;
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
  /** Each pair's, where the case has any; both sides with the pair's seed. */
  accuracies?: number[];
  peer_accuracies?: number[];
  /** Largest difference of a step's loss from the peer's, and of how many steps. */
  loss_difference?: number;
  losses_compared?: number;
  /** After all steps, on rows that were not trained on. */
  held_out_perplexity?: number;
  peer_held_out_perplexity?: number;
  /** Milliseconds that the case's matrix products take at the rate measured beside it, over those that it took. */
  fraction_of_limit?: number;
  peer_fraction_of_limit?: number;
  /** Median milliseconds before the first step begins, where the case is about it. */
  before_step_ms?: number;
  machine: string;
  /** Libraries and their versions. */
  versions: Record<string, string>;
  date: string;
  command: string;
}

/** A measured case of ours alone. */
export interface SizeResult {
  case: string;
  measures: string;
  ms: number;
  peer: null;
  peak_rss_bytes: number;
  target_ms: number | null;
  target_bytes: number;
  machine: string;
  versions: Record<string, string>;
  date: string;
  command: string;
}

/** Both sides of a decoder's cases are started with this. */
export interface DecoderSpec {
  /** A Hugging Face folder. */
  model: string;
  backend: BackendChoice;
  threads: number;
}

/** A token case: a text is continued. */
export interface TokenSpec extends DecoderSpec {
  /** Tokens before the first that is measured. */
  context: number;
  load_in_8bit: boolean;
}

/** A tuning case: adapters learn dialogues. */
export interface TuneSpec extends DecoderSpec {
  train: string;
  validation: string;
  load_in_8bit: boolean;
  /** A file in which our side leaves what the peer trains on and starts from. */
  shared: string;
}
