import type { ErrorData } from './errors.ts';
import type { ClassificationReport } from './evaluation.ts';
import type { Columns, DatasetReference, Recipe } from './recipe.ts';

/** Something found in a file: reported, never silently mended. */
export interface DataProblem {
  severity: 'error' | 'warning' | 'info';
  code: string;
  message: string;
  /** 1-based line in the file, when the problem has one place. */
  line?: number;
  column?: string;
  /** How often it occurs, when it is a summary. */
  count?: number;
}

export type DataFormat = 'csv' | 'tsv' | 'jsonl' | 'json' | 'markdown' | 'label-tab-text' | 'label-space-text';

export interface ColumnSummary {
  name: string;
  /** Distinct values, counted up to 1,000. */
  distinct: number;
  empty: number;
  mean_length: number;
  examples: string[];
}

export interface DataSummary {
  file: string;
  format: DataFormat;
  encoding: string;
  rows: number;
  columns: ColumnSummary[];
  /** What was guessed or given; a field is absent when nothing fits. */
  guess: Columns;
  /** Why, in a sentence a person can check. */
  guess_reason: string;
  /** Classes of the label column by frequency. */
  classes: { label: string; count: number }[];
  problems: DataProblem[];
}

/** What a run would take, told before it starts. */
export interface RunEstimate {
  rows: number;
  validation_rows: number;
  classes: { label: string; count: number }[];
  truncated_rows: number;
  unknown_token_share: number;
  total_steps: number;
  seconds: number;
  peak_memory_bytes: number;
  free_memory_bytes: number;
  disk_bytes: number;
  free_disk_bytes: number;
  problems: DataProblem[];
  columns: Columns;
}

export interface Prediction {
  text: string;
  label: string;
  score: number;
  scores: Record<string, number>;
}

export interface ModelEntry {
  /** As a recipe names it. */
  name: string;
  source: 'starter' | 'folder' | 'cache' | 'run';
  path: string;
  model_type: string;
  bytes: number;
  num_parameters: number;
  /** Whether it carries a trained classifier and its labels. */
  labels: string[] | null;
}

export interface BackendStatus {
  name: string;
  usable: boolean;
  /** Why not, or what it runs on. */
  detail: string;
  /** Measured matrix-product rate in Gflop/s; null when not measured. */
  gflops: number | null;
}

/** Requests to the engine service (JSON-RPC on its stdin and stdout). Every one can be cancelled. */
export interface ServiceRequests {
  initialize: {
    params: { client: string; hugging_face_token?: string; cache_folder?: string; endpoint?: string };
    result: { version: string; node: string; pid: number };
  };
  'data/inspect': { params: { file: string; text?: string; columns?: Columns }; result: DataSummary };
  /** `content`, when given, stands for the file's (an unsaved document or a selection). */
  'run/estimate': { params: { recipe: Recipe; base: string }; result: RunEstimate };
  /** Labels with probabilities; the model stays loaded for the next call. */
  predict: { params: { model: string; texts: string[] }; result: Prediction[] };
  evaluate: {
    params: { model: string; data: DatasetReference; columns?: Columns; split: 'validation' | 'test' };
    result: ClassificationReport;
  };
  export: {
    params: { run: string; format: 'safetensors' | 'onnx'; out?: string };
    result: { path: string; bytes: number; max_difference: number };
  };
  'models/list': { params: { folders: string[] }; result: ModelEntry[] };
  'models/download': { params: { name: string; revision?: string }; result: { path: string } };
  backends: { params: { measure: boolean }; result: BackendStatus[] };
  shutdown: { params: Record<string, never>; result: null };
}

export interface ServiceNotifications {
  progress: { token: string; message: string; done: number; total: number | null };
  log: { level: 'info' | 'warning' | 'error'; message: string };
}

export type ServiceFailure = ErrorData;
