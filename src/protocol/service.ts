import type { Comparison, ComparisonAsked } from './comparison.ts';
import type { CompletionRequests } from './completion.ts';
import type { CompletionReport } from './completion-report.ts';
import type { DataSource, DatasetRecord, RowFields } from './dataset.ts';
import type { EvaluatedRow, EvaluationReport, RunComparison, Split } from './evaluation.ts';
import type { Answered, ChatMessage, GenerationSettings } from './generation.ts';
import type { FileChoice, FilesFound, OwnFiles } from './own-files.ts';
import type { PromptRequests } from './prompt.ts';
import type { FoundRate, RateChoice } from './range-test.ts';
import type { Columns, DatasetReference, Recipe, RecipeInput } from './recipe.ts';
import type { RecipeProblem } from './recipe-check.ts';
import type { RunRecord } from './run.ts';
import type { StrategySuggestion } from './suggestion.ts';
import type { AnswerName, ProblemType, TaskName } from './tasks.ts';
import type { Tools } from './tools.ts';

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
  columns: ColumnSummary[];
  /** What was guessed or given; a field is absent when nothing fits. */
  guess: Columns;
  /** Why, in a sentence a person can check. */
  guess_reason: string;
  /** Labels by frequency: classes with their rows, tags with their words. */
  classes: { label: string; count: number }[];
  problems: DataProblem[];
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

/** What takes appended rows out of a file again: where their bytes are, and what the file is as long as nobody changed it. */
export interface AppendUndo {
  file: string;
  offset: number;
  bytes: number;
  sha256: string;
  /** Record of the dataset's folder as it was before. */
  record?: DatasetRecord;
}

/** How many rows a run would learn from and hold out. */
export interface RowCounts {
  task: TaskName;
  /** Training and validation rows together. */
  rows: number;
  validation_rows: number;
}

/** What a run would take, told before it starts. */
export interface RunEstimate {
  /** Rows of the training and the validation part together. */
  rows: number;
  validation_rows: number;
  classes: { label: string; count: number }[];
  truncated_rows: number;
  /** Tokens that a text is cut to. */
  max_length: number;
  unknown_token_share: number;
  total_steps: number;
  seconds: number;
  peak_memory_bytes: number;
  free_memory_bytes: number;
  /** Where the run would compute on a graphics card; the largest one whose memory is known, null where none's is. */
  card?: { needed_bytes: number; card: { name: string; bytes: number } | null };
  disk_bytes: number;
  free_disk_bytes: number;
  /** Also what is wrong between model and data: texts in a script that the model is not for are `language-mismatch`. */
  problems: DataProblem[];
  columns: Columns;
  /** Languages that the model's card names, as codes (`en`, `multilingual`); null where it names none. */
  model_languages: string[] | null;
}

/** What a classifier reads at once. */
export interface Texts {
  text: string;
  /** The second text of a pair. */
  text_pair?: string;
}

/** A row that a person adds: `label` of several as a row keeps them, a JSON list; words with a tag each. */
export type NewRow = (Texts & { label: string }) | { tokens: string[]; tags: string[] };

/** An answer to texts, which are as they were given. */
export interface Prediction extends Texts {
  label: string;
  score: number;
  scores: Record<string, number>;
  /** Where the model's vocabulary lacks some of the text's tokens: how many, of how many; special ones not counted. */
  unknown_tokens?: UnknownTokens;
}

export interface UnknownTokens {
  count: number;
  of: number;
}

/** Entities of a text, as transformers' token-classification pipeline names them; places in code points. */
export interface TagPrediction {
  text: string;
  entities: { entity_group: string; score: number; word: string; start: number; end: number }[];
}

/** Those labels of a text that are likelier than the model's threshold, and how likely each is. */
export interface LabelsPrediction extends Texts {
  labels: string[];
  scores: Record<string, number>;
  unknown_tokens?: UnknownTokens;
}

/** A token that a model puts in the place of a mask, as transformers' fill-mask pipeline names it. */
export interface MaskFill {
  score: number;
  /** Its id. */
  token: number;
  token_str: string;
  /** The text with it. */
  sequence: string;
}

/** The likeliest tokens for a text's mask, the first first; of a text with several masks a list each. */
export interface MaskPrediction extends Texts {
  predictions: MaskFill[] | MaskFill[][];
}

/** The tokens for each mask of an answer. */
export const maskFills = ({ predictions }: MaskPrediction): MaskFill[][] =>
  Array.isArray(predictions[0]) ? (predictions as MaskFill[][]) : [predictions as MaskFill[]];

/** A number for a text. */
export interface ValuePrediction extends Texts {
  value: number;
  unknown_tokens?: UnknownTokens;
}

/** A model's answer to a text, by its task. */
export type Answer = Prediction | LabelsPrediction | ValuePrediction | TagPrediction | MaskPrediction;

export interface ModelEntry {
  /** As a recipe names it. */
  name: string;
  source: 'starter' | 'folder' | 'cache' | 'run';
  path: string;
  model_type: string;
  bytes: number;
  num_parameters: number;
  /** What it can be fine-tuned for, the first being what it was made for; none of a model that cannot be used. */
  tasks: TaskName[];
  /** What it can be asked as it is; null of one that has to learn something first. */
  answers: AnswerName | null;
  /** Classes of a trained classifier; null for a model that is none. */
  labels: string[] | null;
  /** Languages that its card names, as codes (`en`, `multilingual`); null where it names none. */
  languages: string[] | null;
  /** Why it cannot be used, and what to do; null for a model that can. */
  problem: string | null;
}

/** What is known of one model before it is asked. */
export interface ModelDescription extends ModelEntry {
  /** What marks a place that it fills in, as it stands in texts; null of a model that fills in none. */
  mask: string | null;
}

export interface BackendStatus {
  name: string;
  usable: boolean;
  /** Why not, or what it runs on. */
  detail: string;
  /** Matrix-product rate in Gflop/s, measured now or before; null when never measured. */
  gflops: number | null;
  /** What `auto` takes here for a model of BERT-base's size. */
  auto: boolean;
  /** Of a graphics card. */
  limits?: CardLimits;
}

/** What a graphics card grants programs; null where it does not tell. */
export interface CardLimits {
  /** Bytes that one operation can bind at a time, of an operand. */
  largest_binding: number | null;
  /** Bytes of a tensor. */
  largest_buffer: number | null;
  /** Operands of an operation, larger ones in as many pieces as they have bindings. */
  storage_buffers: number | null;
}

/** A request that takes long says how far it is in `progress` or `answer/part` notifications that carry this token. */
export interface Progressing {
  progress_token?: string;
}

/** A recipe as a file, or as an object whose relative paths are looked up from `base`. */
export type RecipeSource = { recipe_path: string } | { recipe: RecipeInput; base: string };

/** Something that a recipe reads outside of its workspace, links followed. */
export interface OutsideRead {
  part: 'model' | 'dataset' | 'template';
  path: string;
}

/** A file that was written of the rows of another one, with an answer to each. */
export interface PredictedFile {
  /** Rows that are written: fewer than `of`, all of the file’s, where it was cancelled. */
  rows: number;
  of: number;
  path: string;
  /** Columns that were read, and those that were written. */
  from: string[];
  columns: string[];
  /** What is odd about the file or its answers. */
  warnings: string[];
}

/** Requests to the engine service (JSON-RPC on its stdin and stdout). Every one can be cancelled. */
export interface ServiceRequests extends PromptRequests, CompletionRequests {
  initialize: {
    params: {
      client: string;
      hugging_face_token?: string;
      cache_folder?: string;
      endpoint?: string;
      /** How long after its last answer a model stays loaded. */
      idle_ms?: number;
    };
    result: { version: string; node: string; pid: number };
  };
  /** The task is recognised where none is given. */
  'data/inspect': {
    params: Progressing & DataSource & LabelsWritten & { task?: TaskName; columns?: Columns };
    result: DataSummary;
  };
  /** Writes `<folder>/datasets/<name>/` (`folder` is a `.luthier` folder); an existing name is an error. Rows without text or label are left out and reported. */
  'data/create': {
    params: DataSource & LabelsWritten & { task?: TaskName; folder: string; name: string; columns: Columns };
    result: { path: string; record: DatasetRecord; problems: DataProblem[] };
  };
  /** Adds rows at the end of a data set's folder or file, in that file's own format; the write is atomic. */
  'data/append': {
    params: LabelsWritten & {
      data: string;
      task?: TaskName;
      columns: Columns;
      encoding?: string;
      rows: NewRow[];
      /** Line of the first row in the file that a dataset's folder was made from, where it was added there too. */
      source_line?: number;
    };
    result: { rows: number; file: string; line: number; undo: AppendUndo };
  };
  /** Takes appended rows out again. An error when the file has changed since. */
  'data/undo-append': { params: { undo: AppendUndo }; result: { file: string } };
  /** Labelled rows of a file or a dataset's folder, with their 1-based lines, filtered and paged (engine/data/rows.ts). */
  'data/rows': {
    params: LabelsWritten & {
      data: string;
      task?: TaskName;
      columns: Columns;
      encoding?: string;
      limit: number;
      offset?: number;
      search?: string;
      text?: string;
      text_pair?: string;
      label?: string;
    };
    result: {
      rows: (RowFields & { line: number; file: string })[];
      total: number;
      lengths: RowLengths;
    };
  };
  /** What a model that writes would learn of a dataset's first rows; null for any other task (engine/train/preview.ts). */
  'data/preview': {
    params: LabelsWritten & {
      data: string;
      task?: TaskName;
      columns: Columns;
      encoding?: string;
      /** As a recipe names it, looked up from `base`; the starter where it is left out. */
      model?: string;
      base: string;
      max_length?: number;
    };
    result: DataPreview | null;
  };
  /**
   * Where a row of a dataset made from a file stands in that file today: `same` or `moved` there; where it is no longer
   * in it (`changed`) or there is no such file (`missing`), its place in the dataset's own copy.
   */
  'data/locate': {
    params: LabelsWritten & { data: string; task?: TaskName; columns: Columns; file: string; line: number };
    result: { state: 'same' | 'moved' | 'changed' | 'missing'; file: string; line: number };
  };
  /** Which files of a folder a completion model could learn, by language; what is left out, and why. */
  'files/survey': { params: Pick<FileChoice, 'folder' | 'max_file_bytes'>; result: FilesFound };
  /** Makes a dataset of them in `home`, a `.luthier` folder (engine/collect); a name that is taken is numbered. */
  'files/collect': { params: Progressing & FileChoice & { home: string; name: string }; result: OwnFiles };
  /** How a model would learn such a dataset; `base` is where the model's name is looked up from. */
  'files/recipe': {
    params: { model: string; base: string; dataset: string; rows: number; bytes: number };
    result: RecipeInput;
  };
  /** How a run's model completes the files that were held out (engine/runs/completions.ts); parts say how many lines are typed. */
  'run/completions': { params: Progressing & { run: string; lines?: number }; result: CompletionReport };
  /** Checks a recipe, fills its defaults in and makes its paths absolute. */
  'recipe/resolve': { params: RecipeSource; result: { recipe: Recipe; base: string } };
  /** All that is wrong with a recipe's text, files and model that it names included; `base` is the folder of its file. */
  'recipe/check': { params: { text: string; base: string }; result: { problems: RecipeProblem[] } };
  /** Tries learning rates on a recipe's file (engine/train/range-test.ts); nothing is kept of the training. Parts are its steps. */
  'recipe/rates': { params: Progressing & { recipe_path: string }; result: FoundRate & { choices: RateChoice[] } };
  /** What a recipe reads outside of `roots`, the workspace's folders. */
  'recipe/reads': { params: RecipeSource & { roots: string[] }; result: { outside: OutsideRead[] } };
  /** Makes a run's folder under `<folder>/runs/` (`folder` is a `.luthier` folder) with a run.json in state `queued`; starts nothing. */
  'run/create': {
    params: RecipeSource & {
      folder: string;
      name?: string;
      /** For a cross-validation: into how many folds, and whether a model is trained on all rows afterwards. */
      folds?: { count: number; final: boolean };
      /** For several trainings that differ in the seed alone: how many. */
      seeds?: number;
    };
    result: { path: string; record: RunRecord };
  };
  /**
   * Ways to fine-tune a model on so many rows, the recommended first; `base` is where the model's name is looked up from,
   * and `named` says that the classes' names can be learnt (areNamed).
   */
  'strategies/suggest': {
    params: { model: string; base: string; rows: number; classes?: number; named?: boolean; task?: TaskName };
    result: StrategySuggestion[];
  };
  /** Rows of a recipe's dataset, so far as they decide whether folds are suggested (engine/recipes/count-rows.ts). */
  'run/rows': { params: RecipeSource; result: RowCounts | null };
  'run/estimate': { params: RecipeSource; result: RunEstimate };
  /** The best weights so far of a run that is still going, as a model's folder that can be asked. */
  'run/checkpoint': { params: { run: string }; result: { path: string; step: number } };
  /** Rows of one cell of a run's confusion matrix, those with the highest loss first (engine/runs/cell-rows.ts). */
  'run/cell': {
    params: {
      run: string;
      split: Split;
      actual: string;
      predicted: string;
      limit: number;
    };
    result: { rows: EvaluatedRow[]; total: number };
  };
  /** Two runs' answers to their validation rows, row by row (engine/runs/compare-runs.ts); `limit` rows for each at most. */
  'run/compare': { params: { runs: [first: string, second: string]; limit: number }; result: RunComparison };
  /** Labels with probabilities, or entities; the model stays loaded for the next call. Parts say how many texts are done. */
  predict: {
    params: Progressing & {
      model: string;
      texts: (string | Texts)[];
    };
    result: Answer[];
  };
  /**
   * Continues a text as it is, or answers a dialogue by the model's chat template; with a `suffix`, what belongs between
   * the text and it. Parts are the text as it is written; a cancellation is heard between two tokens.
   */
  generate: {
    params: Progressing & {
      model: string;
      prompt: string | ChatMessage[];
      suffix?: string;
      /** What the assistant of a dialogue may call. */
      tools?: Tools;
      settings: GenerationSettings;
    };
    result: Answered;
  };
  /**
   * Answers each row of a file and writes them with the answers to `out` (engine/infer/predict-file.ts); a model that
   * writes continues the texts, or answers them as messages. Parts say how many rows are done. Where it is cancelled, a
   * model that writes gives the rows that it has answered: `rows` of the file’s `of`.
   */
  'predict/file': {
    params: Progressing & {
      model: string;
      file: string;
      out: string;
      as: 'classes' | 'continuation' | 'message';
      settings: GenerationSettings;
      /** Classes: never with weights in 8 bits. */
      float?: boolean;
    };
    /** `computed`: with what its classes were computed, where its folder has something to say of that. */
    result: PredictedFile & { computed?: string };
  };
  /** Parts say how many rows are done. */
  evaluate: {
    params: Progressing & {
      model: string;
      data: DatasetReference;
      columns?: Columns;
      encoding?: string;
      split: 'validation' | 'test';
    };
    result: EvaluationReport;
  };
  export: {
    params: Progressing & { run: string; format: 'safetensors' | 'onnx'; out?: string };
    /** `left_out`: names in the model's folder that are no part of the model and were not copied. */
    result: { path: string; bytes: number; max_difference: number; left_out: string[]; note?: string };
  };
  'models/list': { params: { folders: string[] }; result: ModelEntry[] };
  /** A model's folder, by the name that a person knows it by. */
  'models/describe': { params: { path: string; name: string }; result: ModelDescription };
  'models/download': { params: Progressing & { name: string; revision?: string }; result: { path: string } };
  /**
   * Trains candidates on the same rows and chooses one (engine/runs/comparison). Parts are the comparison as it changes.
   * The same request resumes one that did not come to its end.
   */
  'comparison/run': { params: Progressing & ComparisonAsked & { key: string }; result: Comparison };
  /** Interrupts the comparison that was begun with the key: it writes a checkpoint, and its request is answered. */
  'comparison/interrupt': { params: { key: string }; result: null };
  backends: { params: { measure: boolean }; result: BackendStatus[] };
  shutdown: { params: Record<string, never>; result: null };
}

/** What is known before the whole answer. */
export type AnswerPart =
  /** How a comparison stands, and how far its candidate at work is. */
  | { type: 'comparison'; comparison: Comparison; share: number }
  /** Rows or texts that the model has answered, of all that it was asked. */
  | { type: 'rows'; done: number; total: number }
  /** What a model has written since the part before; nothing of it is taken back. `tokens`: of the answer so far. */
  | { type: 'text'; text: string; tokens: number };

export interface ServiceNotifications {
  /** `total` is null while it is not known; `token` is the request's `progress_token`. */
  progress: { token: string; message: string; done: number; total: number | null };
  /** Something of an answer that is still being made; `token` is the request's `progress_token`. The answer itself has all. */
  'answer/part': { token: string; part: AnswerPart };
  log: { level: 'info' | 'warning' | 'error'; message: string };
}
