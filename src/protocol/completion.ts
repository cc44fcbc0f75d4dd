/** What a person writes and where: the text around the cursor, cut to what a model may see (src/completions/window.ts). */
export interface CompletionRequest {
  /** A model's folder or name, or a run's. */
  model: string;
  /** The editor's name of the language (`typescript`, `markdown`, …): where a suggestion ends depends on it. */
  language: string;
  /** The text in front of the cursor, and behind it. */
  before: string;
  after: string;
  /** Of the file, as a person would write it. Models do not see it. */
  path?: string;
  /** How much is suggested at most; what the text asks for where it is left out. */
  extent?: CompletionExtent;
  /** New tokens at most. */
  maxTokens?: number;
  /** Different suggestions at most, the likeliest first. */
  candidates?: number;
  /** Milliseconds after which what is there is the answer. A model that is loaded for it is not counted. */
  budgetMs?: number;
  /** Tokens in front of the cursor that the model sees at most. */
  contextTokens?: number;
}

/** Up to the end of a line, of a block (by indentation and brackets), of a sentence. */
export const COMPLETION_EXTENTS = ['line', 'block', 'sentence'] as const;
export type CompletionExtent = (typeof COMPLETION_EXTENTS)[number];

export const COMPLETION_DEFAULTS = { candidates: 1, contextTokens: 512 } as const;

/** New tokens that are suggested at most, where the request does not say. */
export const COMPLETION_TOKENS: Record<CompletionExtent, number> = { line: 24, sentence: 40, block: 96 };

/**
 * Why a suggestion ends: at the end of its line, block or sentence; where the model ends the text (`end`); where what
 * stands below begins (`repeats`); at the number of tokens or of positions (`length`); at the time it was given
 * (`budget`).
 */
export type CompletionStop = CompletionExtent | 'end' | 'repeats' | 'length' | 'budget';

export interface CompletionItem {
  /** To be put in at the cursor; never empty, never white space alone. */
  text: string;
  tokens: number;
  /** The mean logarithm of its tokens' probabilities: 0 would be sure. */
  score: number;
  stopped: CompletionStop;
}

export interface CompletionAnswer {
  /** The best first; none where there is nothing worth showing. */
  items: CompletionItem[];
  /** From the request's turn to the answer; a model that is loaded for it is not counted. */
  ms: number;
  /** Tokens that the model was given, and how many of them it still remembered. */
  prompt: number;
  reused: number;
  /** Of the first item; of what was written where nothing of it is shown. */
  stopped: CompletionStop;
  /** Whether the model saw the text behind the cursor, too. */
  middle: boolean;
  /** It was written in 8 bits; its prompt was read in floats. */
  eightBit: boolean;
  /** It is the rest of what was suggested before, along which somebody has typed on: no model was asked. */
  cached?: true;
}

/** Requests of completions; with the others in `ServiceRequests`. */
export interface CompletionRequests {
  /**
   * Suggestions at a place in a text. One request at a time is answered for each model: a newer one cancels the older,
   * which then fails with `cancelled`, between two tokens.
   */
  'completion/complete': { params: CompletionRequest; result: CompletionAnswer };
  /** Loads a model and compiles its programs, so that the first suggestion is as quick as those after it. */
  'completion/prepare': { params: { model: string }; result: { ms: number; eightBit: boolean; middle: boolean } };
}

/** What is wrong with a request, as one sentence that names the key; null where nothing is. */
export function completionProblem(request: CompletionRequest): string | null {
  const { before, after, extent } = request;
  const whole = (key: 'maxTokens' | 'candidates' | 'budgetMs' | 'contextTokens', least: number, most: number) => {
    const value = request[key];
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return null;
    return `${key} must be a whole number from ${least} to ${most}`;
  };
  if (typeof before !== 'string' || typeof after !== 'string') return 'before and after must be texts';
  if (extent !== undefined && !COMPLETION_EXTENTS.includes(extent))
    return `extent must be one of ${COMPLETION_EXTENTS.join(', ')}`;
  return (
    whole('maxTokens', 1, 1_000) ??
    whole('candidates', 1, 8) ??
    whole('budgetMs', 1, 600_000) ??
    whole('contextTokens', 16, 100_000)
  );
}
