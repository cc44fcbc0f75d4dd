import type { Answer, PredictedFile, Texts } from './answers.ts';
import type { BackendStatus } from './backends.ts';
import type { Comparison, ComparisonAsked } from './comparison.ts';
import type { CompletionRequests } from './completion.ts';
import type { CompletionReport } from './completion-report.ts';
import type { AppendUndo, DataPreview, DataProblem, DataSummary, LabelsWritten, NewRow, RowLengths } from './data.ts';
import type { DataSource, DatasetRecord, RowFields } from './dataset.ts';
import type { RowCounts, RunEstimate } from './estimate.ts';
import type { EvaluatedRow, EvaluationReport, RunComparison, Split } from './evaluation.ts';
import type { Answered, ChatMessage, GenerationSettings } from './generation.ts';
import type { ModelDescription, ModelEntry } from './models.ts';
import type { FileChoice, FilesFound, OwnFiles } from './own-files.ts';
import type { AnswerPart, Progressing } from './progress.ts';
import type { PromptRequests } from './prompt.ts';
import type { FoundRate, RateChoice } from './range-test.ts';
import type { Columns, DatasetReference, Recipe, RecipeInput } from './recipe.ts';
import type { RecipeProblem } from './recipe-check.ts';
import type { RunRecord } from './run.ts';
import type { StrategySuggestion } from './suggestion.ts';
import type { TaskName } from './tasks.ts';
import type { Tools } from './tools.ts';

/** A recipe as a file, or as an object whose relative paths are looked up from `base`. */
export type RecipeSource = { recipe_path: string } | { recipe: RecipeInput; base: string };

/** Something that a recipe reads outside of its workspace, links followed. */
export interface OutsideRead {
  part: 'model' | 'dataset' | 'template';
  path: string;
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

export interface ServiceNotifications {
  /** `total` is null while it is not known; `token` is the request's `progress_token`. */
  progress: { token: string; message: string; done: number; total: number | null };
  /** Something of an answer that is still being made; `token` is the request's `progress_token`. The answer itself has all. */
  'answer/part': { token: string; part: AnswerPart };
  log: { level: 'info' | 'warning' | 'error'; message: string };
}
