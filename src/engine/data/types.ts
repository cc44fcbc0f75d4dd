import type { Columns, DataProblem } from '../../protocol/index.ts';

/** One labelled text. `label` indexes ClassificationDataset.labels. */
export interface Example {
  text: string;
  text_pair?: string;
  label: number;
  /** Rows of one group are never on two sides of a split. */
  group?: string;
  /** Absolute path of the file it is from. */
  file: string;
  /** 1-based line that the row starts on. */
  line: number;
}

export interface ClassificationDataset {
  /** Class names in their fixed order: that of the logits. Sorted by name, numbers as numbers. */
  labels: string[];
  train: Example[];
  validation: Example[];
  test: Example[];
  columns: Columns;
  columns_reason: string;
  problems: DataProblem[];
}
