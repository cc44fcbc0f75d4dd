import type { ChatPageMessage, ChatPageRequest, ChatSnapshot, ChatWriter } from '../../protocol/chat-page.ts';
import {
  type ChatMessage,
  type FinishReason,
  type GenerationSettings,
  settingsProblem,
} from '../../protocol/generation.ts';

/** What a model wrote, or is writing. */
export interface Answer {
  text: string;
  /** Null while it is being written. */
  end: { tokens: number; rate: number; reason: FinishReason } | null;
  notes: string[];
}

/** What a person said, and the answers to it. */
export interface Turn {
  said: string;
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
  system: string;
  settings: SettingsText;
  compare: boolean;
}

/** The state of the page in which a model that writes is tried; there is no DOM in here. */
export class ChatStore {
  model: ChatSnapshot | null = null;
  #run: string | null = null;
  turns: Turn[] = [];
  draft = '';
  system = '';
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

  generationSettings(): GenerationSettings {
    const given = Object.entries(this.settings).filter(([, text]) => text.trim() !== '');
    const settings: GenerationSettings = Object.fromEntries(given.map(([key, text]) => [key, Number(text)]));
    const draws = ['temperature', 'top_k', 'top_p', 'min_p'] as const;
    return draws.some((key) => settings[key] !== undefined) ? { ...settings, do_sample: true } : settings;
  }

  /** What to ask for the draft; null where there is nothing to ask. */
  send(): ChatPageRequest | null {
    if (this.isWriting || this.draft.trim() === '' || this.problem !== null) return null;
    // Of a text that is continued each space counts, and each try stands for itself.
    const said = this.model?.dialogue ? this.draft.trim() : this.draft;
    this.turns.push({ said, answers: {} });
    if (this.model?.dialogue) this.draft = '';
    return this.#ask();
  }

  /** The last answer once more. */
  regenerate(): ChatPageRequest | null {
    if (this.isWriting || this.turns.length === 0 || this.problem !== null) return null;
    this.turns.at(-1)!.answers = {};
    return this.#ask();
  }

  /** Takes a turn back into the draft, with all that came after it. */
  edit(turn: number): void {
    if (this.isWriting) return;
    this.draft = this.turns[turn]!.said;
    this.turns = this.turns.slice(0, turn);
    this.failure = null;
  }

  clear(): void {
    if (this.isWriting) return;
    this.turns = [];
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
    return { type: 'generate', id: this.#id, prompt, settings, compare };
  }

  /** The dialogue goes on from the tuned model's answers. */
  #messages(): ChatMessage[] {
    const system = this.system.trim();
    return [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      ...this.turns.flatMap(({ said, answers: { tuned } }, i) => [
        { role: 'user', content: said },
        ...(tuned && i < this.turns.length - 1 ? [{ role: 'assistant', content: tuned.text }] : []),
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
        const { writer, text, tokens, rate, reason, notes } = message;
        this.turns.at(-1)!.answers[writer] = { text, end: { tokens, rate, reason }, notes };
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
    const { turns, draft, system, settings, compare } = this;
    return { run: this.#run, turns, draft, system, settings, compare };
  }

  /** Takes what the page kept; whatever of it does not fit is left out. */
  restore(value: unknown): void {
    const kept = value as Partial<Kept> | null | undefined;
    if (typeof kept !== 'object' || kept === null) return;
    if (typeof kept.run === 'string') this.#run = kept.run;
    if (typeof kept.draft === 'string') this.draft = kept.draft;
    if (typeof kept.system === 'string') this.system = kept.system;
    if (typeof kept.compare === 'boolean') this.compare = kept.compare;
    for (const key of Object.keys(NO_SETTINGS) as (keyof SettingsText)[]) {
      const text: unknown = kept.settings?.[key];
      if (typeof text === 'string') this.settings[key] = text;
    }
    if (Array.isArray(kept.turns))
      this.turns = kept.turns.filter((turn) => typeof turn?.said === 'string').map(restored);
  }
}

/** What was being written when the page was hidden is not written on. */
const restored = ({ said, answers }: Turn): Turn => ({
  said,
  answers: Object.fromEntries(
    Object.entries(answers ?? {})
      .filter(([, answer]) => typeof answer?.text === 'string')
      .map(([writer, { text, end, notes }]) => [
        writer,
        { text, end: end ?? { tokens: 0, rate: 0, reason: 'cancelled' }, notes: Array.isArray(notes) ? notes : [] },
      ]),
  ),
});
