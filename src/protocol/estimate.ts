import type { DataProblem } from './data.ts';
import type { Columns } from './recipe.ts';
import type { TaskName } from './tasks.ts';

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
  /**
   * Also what is wrong between model and data: texts in a script or a language that the model is not for are
   * `language-mismatch`.
   */
  problems: DataProblem[];
  columns: Columns;
  /** Languages that the model's card names, as codes (`en`, `multilingual`); null where it names none. */
  model_languages: string[] | null;
}
