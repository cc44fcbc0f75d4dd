import type { ChatPageMessage, ChatPageRequest, ChatSnapshot, ChatWriter } from '../../protocol/chat-page.ts';
import {
  type ChatMessage,
  type FinishReason,
  type GenerationSettings,
  settingsProblem,
  type ToolCall,
} from '../../protocol/generation.ts';
import { type Tools, toolsIn } from '../../protocol/tools.ts';

/** What a model wrote, or is writing. */
export interface Answer {
  text: string;
  /** Null while it is being written. */
  end: { tokens: number; rate: number; reason: FinishReason } | null;
  notes: string[];
  /** What it calls, and what it says beside that. */
  calls?: { tool_calls: ToolCall[]; content: string };
  /** What the model read, where a template made it of what was said. */
  prompt?: string;
}

/** What a person said, or gave back for the calls of the answer before; and the answers to it. */
export interface Turn {
  said: string;
  results?: { call: ToolCall; text: string }[];
  answers: Partial<Record<ChatWriter, Answer>>;
}

/** As they are typed; an empty one is not set. */
export type SettingsText = Record<
  'max_new_tokens' | 'temperature' | 'top_p' | 'top_k' | 'min_p' | 'repetition_penalty' | 'seed',
  string
>;

const NO_SETTINGS: SettingsText = {
  ...{ max_new_tokens: '128', temperature: '', top_p: '', top_k: '', min_p: '' },
  ...{ repetition_penalty: '', seed: '' },
};

/** What outlives hiding and reloading. */
interface Kept {
  run: string | null;
  turns: Turn[];
  draft: string;
  results: string[];
  system: string;
  tools: string;
  settings: SettingsText;
  compare: boolean;
}

/** The state of the page in which a model that writes is tried; there is no DOM in here. */
export class ChatStore {
  model: ChatSnapshot | null = null;
  #run: string | null = null;
  turns: Turn[] = [];
  draft = '';
  /** What is typed as the answers of the tools that are called. */
  results: string[] = [];
  system = '';
  /** Definitions of tools, as they are typed. */
  tools = '';
  settings: SettingsText = { ...NO_SETTINGS };
  compare = false;
  loading: string | null = null;
  failure: Extract<ChatPageMessage, { type: 'failed' }> | null = null;
  #id = 0;
  #isWriting = false;

  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** What is wrong with the settings; null where nothing is. */
  get problem(): string | null {
    return settingsProblem(this.generationSettings());
  }

  /** What is wrong with the tools; null where nothing is. */
  get toolsProblem(): string | null {
    const read = this.#readTools();
    return read && 'problem' in read ? read.problem : null;
  }

  /** What may be called; none where there is no dialogue. */
  get toolList(): Tools {
    const read = this.#readTools();
    return read && 'tools' in read ? read.tools : [];
  }

  #readTools(): ReturnType<typeof toolsIn> | null {
    return this.model?.dialogue && this.tools.trim() !== '' ? toolsIn(this.tools) : null;
  }

  get #isStuck(): boolean {
    return this.isWriting || this.problem !== null || this.toolsProblem !== null;
  }

  /** Calls that wait for what their tools give back. */
  get waiting(): readonly ToolCall[] {
    const answer = this.turns.at(-1)?.answers.tuned;
    return !this.isWriting && answer?.end ? (answer.calls?.tool_calls ?? []) : [];
  }

  /** Goes on with what the tools gave back. */
  answerCalls(): ChatPageRequest | null {
    const { waiting } = this;
    if (this.#isStuck || waiting.length === 0) return null;
    const results = waiting.map((call, i) => ({ call, text: this.results[i] ?? '' }));
    this.turns.push({ said: '', results, answers: {} });
    this.results = [];
    return this.#ask();
  }

  generationSettings(): GenerationSettings {
    const given = Object.entries(this.settings).filter(([, text]) => text.trim() !== '');
    const settings: GenerationSettings = Object.fromEntries(given.map(([key, text]) => [key, Number(text)]));
    const draws = ['temperature', 'top_k', 'top_p', 'min_p'] as const;
    return draws.some((key) => settings[key] !== undefined) ? { ...settings, do_sample: true } : settings;
  }

  /** What to ask for the draft; null where there is nothing to ask. */
  send(): ChatPageRequest | null {
    if (this.#isStuck || this.draft.trim() === '') return null;
    // Of a text that is continued each space counts, and each try stands for itself.
    const said = this.model?.dialogue ? this.draft.trim() : this.draft;
    this.turns.push({ said, answers: {} });
    if (this.model?.dialogue) this.draft = '';
    return this.#ask();
  }

  /** The last answer once more. */
  regenerate(): ChatPageRequest | null {
    if (this.#isStuck || this.turns.length === 0) return null;
    this.turns.at(-1)!.answers = {};
    return this.#ask();
  }

  /** Takes a turn back into the draft, with all that came after it. */
  edit(turn: number): void {
    if (this.isWriting) return;
    const { said, results } = this.turns[turn]!;
    if (results) this.results = results.map(({ text }) => text);
    else {
      this.draft = said;
      this.results = [];
    }
    this.turns = this.turns.slice(0, turn);
    this.failure = null;
  }

  clear(): void {
    if (this.isWriting) return;
    this.turns = [];
    this.results = [];
    this.failure = null;
  }

  #ask(): ChatPageRequest {
    this.#isWriting = true;
    this.failure = null;
    this.#id++;
    const prompt = this.model?.dialogue ? this.#messages() : this.turns.at(-1)!.said;
    const compare = this.compare && this.model?.base !== null;
    const settings = this.generationSettings();
    // Another answer each time, unless a person wants the same.
    if (settings.do_sample) settings.seed ??= Math.floor(Math.random() * 2 ** 32);
    const { toolList: tools } = this;
    return { type: 'generate', id: this.#id, prompt, settings, compare, ...(tools.length > 0 && { tools }) };
  }

  /** The dialogue goes on from the tuned model's answers. */
  #messages(): ChatMessage[] {
    const system = this.system.trim();
    return [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      ...this.turns.flatMap(({ said, results, answers: { tuned } }, i) => [
        ...(results?.map(resultMessage) ?? [{ role: 'user', content: said }]),
        ...(tuned && i < this.turns.length - 1 ? [answerMessage(tuned)] : []),
      ]),
    ];
  }

  apply(message: ChatPageMessage): void {
    switch (message.type) {
      case 'snapshot':
        if (this.#run !== null && this.#run !== message.run) this.turns = [];
        this.model = message;
        this.#run = message.run;
        if (this.failure?.request === 'ready') this.failure = null;
        return;
      case 'tools':
        this.tools = message.text.trim();
        return;
      case 'loading':
        this.loading = message.message;
        return;
      case 'part': {
        if (message.id !== this.#id) return;
        this.loading = null;
        const { answers } = this.turns.at(-1)!;
        const answer = answers[message.writer] ?? { text: '', end: null, notes: [] };
        answers[message.writer] = { ...answer, text: answer.text + message.text };
        return;
      }
      case 'answer': {
        if (message.id !== this.#id) return;
        this.loading = null;
        const { writer, text, tokens, rate, reason, notes, tool_calls, content = '', prompt } = message;
        this.turns.at(-1)!.answers[writer] = {
          ...{ text, end: { tokens, rate, reason }, notes },
          ...(tool_calls && { calls: { tool_calls, content } }),
          ...(prompt && { prompt }),
        };
        if (writer === 'tuned') this.results = [];
        if (writer === 'base' || !(this.compare && this.model?.base !== null)) this.#isWriting = false;
        return;
      }
      case 'cancelled':
        if (message.id === this.#id) this.#end();
        return;
      case 'failed':
        // Of an answer that was given up nobody waits to hear.
        if (message.id !== null && message.id !== this.#id) return;
        this.failure = message;
        if (message.id === this.#id) this.#end();
        return;
    }
  }

  /** No more comes of what is being written. */
  #end(): void {
    this.#isWriting = false;
    this.loading = null;
    const { answers } = this.turns.at(-1)!;
    for (const answer of Object.values(answers)) answer.end ??= { tokens: 0, rate: 0, reason: 'cancelled' };
  }

  kept(): Kept {
    const { turns, draft, results, system, tools, settings, compare } = this;
    return { run: this.#run, turns, draft, results, system, tools, settings, compare };
  }

  /** Takes what the page kept; whatever of it does not fit is left out. */
  restore(value: unknown): void {
    const kept = value as Partial<Kept> | null | undefined;
    if (typeof kept !== 'object' || kept === null) return;
    if (typeof kept.run === 'string') this.#run = kept.run;
    if (typeof kept.draft === 'string') this.draft = kept.draft;
    if (typeof kept.system === 'string') this.system = kept.system;
    if (typeof kept.tools === 'string') this.tools = kept.tools;
    if (Array.isArray(kept.results)) this.results = kept.results.filter((text) => typeof text === 'string');
    if (typeof kept.compare === 'boolean') this.compare = kept.compare;
    for (const key of Object.keys(NO_SETTINGS) as (keyof SettingsText)[]) {
      const text: unknown = kept.settings?.[key];
      if (typeof text === 'string') this.settings[key] = text;
    }
    if (Array.isArray(kept.turns))
      this.turns = kept.turns.filter((turn) => typeof turn?.said === 'string').map(restored);
  }
}

const answerMessage = ({ text, calls }: Answer): ChatMessage =>
  calls
    ? { role: 'assistant', content: calls.content, tool_calls: calls.tool_calls }
    : { role: 'assistant', content: text };

const resultMessage = ({ call, text }: NonNullable<Turn['results']>[number]): ChatMessage => ({
  ...{ role: 'tool', content: text },
  ...(call.id !== undefined && { tool_call_id: call.id }),
});

/** What was being written when the page was hidden is not written on. */
const restored = ({ said, results, answers }: Turn): Turn => ({
  said,
  ...(Array.isArray(results) && { results: results.filter((it) => typeof it?.call?.function?.name === 'string') }),
  answers: Object.fromEntries(
    Object.entries(answers ?? {})
      .filter(([, answer]) => typeof answer?.text === 'string')
      .map(([writer, { text, end, notes, calls, prompt }]) => [
        writer,
        {
          ...{
            text,
            end: end ?? { tokens: 0, rate: 0, reason: 'cancelled' },
            notes: Array.isArray(notes) ? notes : [],
          },
          ...(Array.isArray(calls?.tool_calls) && { calls }),
          ...(typeof prompt === 'string' && { prompt }),
        },
      ]),
  ),
});
