/** What a classifier reads at once. */
export interface Texts {
  text: string;
  /** The second text of a pair. */
  text_pair?: string;
}

/** An answer to texts, which are as they were given. */
export interface Prediction extends Texts {
  label: string;
  score: number;
  scores: Record<string, number>;
  /** Where the model's vocabulary lacks some of the text's tokens: how many, of how many; special ones not counted. */
  unknown_tokens?: UnknownTokens;
  /** Where the texts are longer than the model reads, and a part of them was left out. */
  truncated?: true;
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
  truncated?: true;
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
  truncated?: true;
}

/** A model's answer to a text, by its task. */
export type Answer = Prediction | LabelsPrediction | ValuePrediction | TagPrediction | MaskPrediction;

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
