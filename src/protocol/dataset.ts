import type { LabelsWritten } from './data.ts';
import type { ChatMessage } from './generation.ts';
import type { Columns } from './recipe.ts';
import type { AnswerName, TaskName } from './tasks.ts';

/** What a row holds, by the names of its task's fields. */
export interface RowFields {
  text?: string;
  text_pair?: string;
  label?: string;
  tokens?: string[];
  tags?: string[];
  messages?: ChatMessage[];
  /** What an assistant may call, as OpenAI's files have it. */
  tools?: unknown[];
  prompt?: string;
  completion?: string;
  group?: string;
}

/** A row's label as people read it: of several, which a row keeps as a JSON list, each. */
export const labelText = (task: AnswerName, label: string): string =>
  task === 'multi_label_classification' ? (JSON.parse(label) as string[]).join(', ') || 'no label' : label;

/** Version of the data set folder's layout. A reader refuses a newer one. */
export const DATASET_FORMAT = 1;

/**
 * `.luthier/datasets/<name>/dataset.json`. Beside it stands `rows.jsonl`: one `{"id":…,"text":…,"label":…}`
 * (or whatever the task's fields are, and `group`) a line, in UTF-8. Rows of 0.1.0 have no `id`.
 */
export interface DatasetRecord {
  format: number;
  name: string;
  created_at: string;
  /**
   * What the rows were made from: a file's absolute path or an untitled document's name, and which lines of it.
   * `lines` says where each row of rows.jsonl stands there, in runs of `[first line, count]`, so that messages and
   * links lead to the person's own file. How its labels are written stands there for rows that are added to it. With
   * `paths`, `file` is a folder, and each row a file of it, whose path there is the row's id.
   */
  source:
    | (LabelsWritten & {
        file: string;
        first_line: number;
        last_line: number;
        lines?: [line: number, count: number][];
        paths?: boolean;
      })
    | null;
  /** That the rows are for; text classification where it is not named, as in datasets of 0.1.0. */
  task?: TaskName;
  /** Columns of the source, by the names of the fields that they became. */
  columns: Columns;
  rows: number;
  /** Sorted as the engine sorts them. */
  labels: string[];
}

/** A selection in an editor: the header may stand above it, and its first and last lines may be cut. */
export interface DataSelection {
  text: string;
  /** The whole document. */
  full_text: string;
  /** 1-based line of the document that the selection starts on. */
  start_line: number;
}

/** Rows from a file on disk, from a document that is not saved (`text`), or from a part of one (`selection`). */
export interface DataSource {
  /** Absolute path, or the name of an untitled document; its extension is a hint to the format. */
  file: string;
  text?: string;
  selection?: DataSelection;
  /** The file's encoding, where it is not to be guessed. */
  encoding?: string;
}
