import type { Texts } from './answers.ts';
import type { DatasetRecord } from './dataset.ts';
import { counted, formatCount } from './figures.ts';
import type { Columns } from './recipe.ts';
import { type ProblemType, type TaskName, taskOf } from './tasks.ts';

/** Something found in a file: reported, never silently mended. */
export interface DataProblem {
  severity: 'error' | 'warning' | 'info';
  code: string;
  message: string;
  /** 1-based line in the file, when the problem has one place. */
  line?: number;
  column?: string;
  /** Absolute path of the file, where several are read together. */
  file?: string;
  /** How often it occurs, when it is a summary. */
  count?: number;
  /** What would be learnt of such rows instead of one class each, if a person says so. */
  other?: OtherLearning;
}

/** Whether a problem's message names its lines, so that its place need not be said beside it. */
export const namesLine = ({ message }: Pick<DataProblem, 'message'>): boolean => /\blines? \d/i.test(message);

/** How several labels of a row are written, where not as lists: a recipe's keys. */
export interface LabelsWritten {
  label_separator?: string;
  label_columns?: string[];
}

/** Keys of a recipe that learns something else of the same rows. */
export interface OtherLearning extends LabelsWritten {
  problem_type: Exclude<ProblemType, 'single_label_classification'>;
}

export type DataFormat = keyof typeof FORMAT_NAMES;

/** Endings of files of words and tags, a line each. */
export const CONLL_EXTENSIONS: readonly string[] = ['conll', 'iob', 'iob2', 'bio'];

/** As people read them. */
export const FORMAT_NAMES = {
  csv: 'CSV',
  tsv: 'TSV',
  jsonl: 'JSON Lines',
  json: 'JSON',
  markdown: 'Markdown table',
  'label-tab-text': 'label, tab, text',
  'label-space-text': 'label, space, text',
  conll: 'CoNLL',
  text: 'plain text',
} as const;

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
  /** Given, or what the columns are plainly for. */
  task: TaskName;
  format: DataFormat;
  encoding: string;
  /** What the encoding follows from, where it is a guess: to be confirmed by a person when it is not sure. */
  encoding_guess?: {
    is_sure: boolean;
    /** Words that only this encoding reads so. */
    sample: string;
    /** The next likely encodings, and what they make of these words. */
    alternatives: { encoding: string; sample: string }[];
  };
  rows: number;
  /** Rows with an error of their own, such as a cell too many: they count neither as rows nor anywhere else here. */
  broken_rows?: number;
  columns: ColumnSummary[];
  /** What was guessed or given; a field is absent when nothing fits. */
  guess: Columns;
  /** Why, in a sentence a person can check. */
  guess_reason: string;
  /** Labels by frequency: classes with their rows, tags with their words. */
  classes: { label: string; count: number }[];
  problems: DataProblem[];
}

/** The rows that the figures of a summary are of, and those that are in none of them: `5 rows (1 broken row left out)`. */
export function countedRows(
  { rows, broken_rows: broken = 0, task }: Pick<DataSummary, 'rows' | 'broken_rows' | 'task'>,
  write = formatCount,
): string {
  const { row } = taskOf(task);
  const leftOut = broken > 0 ? ` (${counted(broken, `broken ${row}`, undefined, write)} left out)` : '';
  return counted(rows, row, undefined, write) + leftOut;
}

/** Errors of rows that cannot be read as they are written, rather than of a column or of all rows. */
const IN_ROWS: ReadonlySet<string> = new Set(['broken-quote', 'ragged-row', 'json-syntax', 'not-an-object', 'no-tag']);

/** That a run refuses such data, and what to do; null where it does not. */
export function refusal({ problems }: Pick<DataSummary, 'problems'>): string | null {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return null;
  const what = `Training refuses this data because of ${counted(errors.length, 'error')}.`;
  return errors.some(({ code }) => IN_ROWS.has(code))
    ? `${what} Correct or delete the lines that are named, then inspect the file again.`
    : what;
}

/** A row as a model that writes sees it while it learns. */
export interface LearntRow {
  file: string;
  line: number;
  /** Of its first window: tokens that the model sees, special ones too, and how many of them it learns. */
  tokens: number;
  learnt: number;
  /** A long text goes on in further ones. */
  windows: number;
  /** In order: what is learnt, what is only read, and what did not fit (without special tokens, and shortened). */
  parts: { text: string; kind: 'learnt' | 'read' | 'cut' }[];
}

/** What would be learnt of a dataset's first rows, told before a run. */
export interface DataPreview {
  /** By whose tokenizer and chat template, as a recipe names it. */
  model: string;
  max_length: number;
  /** Rows that were looked at, and how many of them are longer than max_length. */
  read: number;
  truncated: number;
  /** What a run would say of them: which template is used, what is left out. */
  notes: string[];
  rows: LearntRow[];
}

/** How long rows are: texts in characters, sentences in words. Bar i of `counts` holds lengths from i · step on; the last one all longer ones. */
export interface RowLengths {
  min: number;
  median: number;
  p95: number;
  max: number;
  step: number;
  counts: number[];
}

/** A row that a person adds: `label` of several as a row keeps them, a JSON list; words with a tag each. */
export type NewRow = (Texts & { label: string }) | { tokens: string[]; tags: string[] };

/** What takes appended rows out of a file again: where their bytes are, and what the file is as long as nobody changed it. */
export interface AppendUndo {
  file: string;
  offset: number;
  bytes: number;
  sha256: string;
  /** Record of the dataset's folder as it was before. */
  record?: DatasetRecord;
}
