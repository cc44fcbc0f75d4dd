import type { ChatMessage, FinishReason, GenerationSettings } from './generation.ts';
import type { Progressing } from './progress.ts';

/** Part of a text in UTF-16 units, `end` not included. */
export interface TextRange {
  start: number;
  end: number;
}

/** Something found in a template. */
export interface PromptProblem {
  code: string;
  severity: 'error' | 'warning' | 'information';
  message: string;
  range: TextRange;
  /** Ways to mend it, the likeliest first. */
  fixes?: PromptFix[];
}

/** What mends a problem: as an editor calls it, and what to write where. */
export interface PromptFix {
  title: string;
  edits: { range: TextRange; text: string }[];
}

/** A template, and what fills it. */
export interface PromptSource {
  /** As it is in the editor, saved or not. */
  text: string;
  /** Its file: paths in it are looked up from that folder, or from `base` where it was never saved. */
  path?: string;
  base?: string;
  /** The workspace's folders: nothing outside of them is taken into a prompt. The template's folder where not given. */
  roots?: string[];
  /** Values of inputs; they stand above the row's, which stand above defaults. Without a row the file's sample is used. */
  values?: Record<string, unknown>;
  /** A row that is given itself, by its columns; `values` stand above it, and the sample gives nothing. */
  cells?: Record<string, unknown>;
  /** A row of the template's dataset, or of `data`, from 1 on. */
  row?: number;
  data?: string;
  /** What a variable is that nothing gives a value: an error in training, a warning in a try-out (default). */
  undefined_is?: 'error' | 'warning';
}

/** What should be said of a rendering. */
export interface PromptWarning {
  message: string;
  /** In the template's text; null where it is of no place in it. */
  range: TextRange | null;
  /** 1-based line of that place. */
  line: number | null;
}

export interface RenderedPrompt {
  /** Number of the row; null without one. */
  row: number | null;
  /** What is said in the dialogue; one message of the user where the template is a completion. */
  messages: ChatMessage[];
  /** The text that the model reads: by its chat template where the template is a dialogue. */
  prompt: string;
  /** Tokens of the prompt; null without a model. */
  tokens: number | null;
  /** What each input had. */
  values: Record<string, unknown>;
  warnings: PromptWarning[];
}

/** An answer to a rendered prompt. */
export interface PromptAnswer extends Pick<RenderedPrompt, 'row' | 'prompt' | 'messages' | 'values' | 'warnings'> {
  answer: string;
  /** Tokens of the answer, and of the prompt. */
  tokens: number;
  prompt_tokens: number;
  /** From the first token of the prompt to the answer's end; a model that is loaded for it is not counted. */
  ms: number;
  /** Of a model that classifies, and of one that fills in a mask: the likeliest first. */
  labels?: { label: string; score: number }[];
  /** Of a model that writes. */
  finish_reason?: FinishReason;
  /** What should be said beside it. */
  notes: string[];
}

/** What a program that asks a model can be written in. */
export type CodeLanguage = 'python' | 'javascript';

/** Requests of prompt templates; with the others in `ServiceRequests`. */
export interface PromptRequests {
  /** Without a model: the messages, and the prompt as text with their roles. */
  'prompt/render': { params: PromptSource & { model?: string }; result: RenderedPrompt };
  /**
   * Asks a model. Settings stand above what the template says of them. Parts are the text as it is written; a
   * cancellation is heard between two tokens, and the answer then ends with `cancelled`.
   */
  'prompt/run': {
    params: Progressing & PromptSource & { model: string; settings?: GenerationSettings };
    result: PromptAnswer;
  };
  /**
   * A program outside of Luthier that asks the model the same. `model_name` is what it calls the model in a comment;
   * `needs_onnx` says that the model has no ONNX yet, which the program loads.
   */
  'prompt/code': {
    params: PromptSource & {
      model: string;
      model_name: string;
      language: CodeLanguage;
      settings?: GenerationSettings;
    };
    result: { code: string; needs_onnx: boolean };
  };
  /** What is to be known of a template with a model, beyond what its text alone says. */
  'prompt/check': { params: PromptSource & { model?: string }; result: PromptChecked };
  /**
   * Rows of a dataset as values: the editor lets a person pick one. `row` counts from 1; broken rows, of which `left_out`
   * says how many there are, are none.
   */
  'prompt/rows': {
    params: Omit<PromptSource, 'values' | 'cells' | 'row' | 'undefined_is'> & {
      offset?: number;
      limit: number;
      search?: string;
    };
    result: {
      columns: string[];
      rows: { row: number; values: Record<string, unknown> }[];
      total: number;
      left_out?: number;
    };
  };
}

export interface PromptChecked {
  /** Beside those that the text alone shows (src/prompts). */
  problems: PromptProblem[];
  /** Null without a model, and where nothing could be rendered. */
  tokens: {
    prompt: number;
    /** In the order of the messages. */
    messages: number[];
    /** Of each input's value. */
    inputs: Record<string, number>;
    /** That the model has places for. */
    positions: number;
  } | null;
}
