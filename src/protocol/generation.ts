/** How a model that writes goes on; names and meaning are those of transformers' GenerationConfig, `stop` and `seed` apart. */
export interface GenerationSettings {
  max_new_tokens?: number;
  /** More than 1: beam search with length_penalty 1 and early_stopping false. */
  num_beams?: number;
  /** Tokens are drawn at random; else each is the likeliest. */
  do_sample?: boolean;
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
  no_repeat_ngram_size?: number;
  /** Texts that end the answer; they are no part of it. */
  stop?: string[];
  /** The same seed gives the same answer. */
  seed?: number;
}

/** What is said in a dialogue; templates know the roles `system`, `user` and `assistant`, and some of them `tool`. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  /** Of an assistant that asks for tools, beside what it says. */
  readonly tool_calls?: readonly ToolCall[];
  /** Which call a message of the role `tool` answers. */
  readonly tool_call_id?: string;
}

/** A call as OpenAI's files have it, its arguments as an object, as templates want them. */
export interface ToolCall {
  readonly id?: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

export const DEFAULT_NEW_TOKENS = 128;

/** Keys that choose among several tokens: with one of them, tokens are drawn. */
export const SAMPLING_KEYS = ['temperature', 'top_k', 'top_p', 'min_p'] as const satisfies (keyof GenerationSettings)[];

/** Why an answer ends: its end token, a stop text, as many tokens as asked for or as the model has positions, a person. */
export type FinishReason = 'end' | 'stop' | 'length' | 'positions' | 'cancelled';

/** What a model wrote. */
export interface GeneratedText {
  text: string;
  generated_text: string;
  /** The new ones alone, the end token included. */
  token_ids: number[];
  tokens_per_second: number;
  finish_reason: FinishReason;
}

/** An answer in the editor. */
export interface Answered extends GeneratedText {
  /** The oldest messages of the dialogue, which no longer fitted. */
  left_out: number;
  /** What should be said beside it. */
  notes: string[];
  /** Of a dialogue: the calls in `generated_text`, as the model's chat template writes them; absent where there are none. */
  tool_calls?: ToolCall[];
  /** What is said beside the calls. */
  content?: string;
  /** What the model read, where a template made it of what was typed. */
  prompt?: string;
}

/** What is wrong with settings, as one sentence that names the key; null where nothing is. */
export function settingsProblem(settings: GenerationSettings): string | null {
  const whole = (
    key: 'max_new_tokens' | 'num_beams' | 'top_k' | 'no_repeat_ngram_size',
    least: number,
    most: number,
  ) => {
    const value = settings[key];
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return null;
    return `${key} must be a whole number from ${least} to ${most}`;
  };
  const within = (key: 'temperature' | 'top_p' | 'min_p' | 'repetition_penalty', above: number, most: number) => {
    const value = settings[key];
    if (value === undefined || (value > above && value <= most)) return null;
    if (key === 'min_p' && value === 0) return null;
    return `${key} must be above ${above} and at most ${most}`;
  };
  const { seed, num_beams = 1, do_sample, stop } = settings;
  return (
    whole('max_new_tokens', 1, 1_000_000) ??
    whole('num_beams', 1, 64) ??
    whole('top_k', 0, 1_000_000) ??
    whole('no_repeat_ngram_size', 0, 1_000) ??
    within('temperature', 0, 100) ??
    within('top_p', 0, 1) ??
    within('min_p', 0, 1) ??
    within('repetition_penalty', 0, 100) ??
    (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)
      ? 'seed must be a whole number of at least 0'
      : null) ??
    (stop?.some((text) => text === '') ? 'a stop text must not be empty' : null) ??
    (num_beams > 1 && do_sample ? 'num_beams above 1 and sampling cannot be used together' : null)
  );
}
