import { join } from 'node:path';
import { afterTurns } from '../../files/turns.ts';
import {
  type BackendChoice,
  type GeneratedText,
  type GenerationSettings,
  LuthierError,
  type Note,
  SAMPLING_KEYS,
  type TaskName,
  taskOf,
  writesByClass,
} from '../../protocol/index.ts';
import { type JsonRecord, readJsonRecord } from '../hub/json-file.ts';
import { CONFIG_FILE, type ModelConfig, type ModelFolder, readGeneration } from '../hub/model-folder.ts';
import { type OpenModel, openModel } from '../model-files/open-model.ts';
import { type Held, isLayerWeight, isProductWeight } from '../models/architecture.ts';
import type { RowTemplate } from '../prompts/row-template.ts';
import { rowLength } from '../runtime/packing.ts';
import { answeringOfModel, taskNamed, taskOfModel } from '../tasks/registry.ts';
import { type AnyTask, IGNORED, type LabelledItem } from '../tasks/task.ts';
import { ChatTemplate } from '../text/chat-template.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { CachedModel } from './cached-model.ts';
import { endsOf, stopTokens } from './ends.ts';
import { MOST_LOGITS } from './inference.ts';
import { write } from './write.ts';

export interface WriterRequest {
  settings: GenerationSettings;
  /** As written, without what is taken back. */
  onText?: ((text: string, tokens: number) => void) | undefined;
  signal?: AbortSignal | undefined;
  stream?: number;
  /** Tokens that end an answer beside the model's own. */
  ends?: readonly number[];
  /** What the answer calls its prompt, where that is given as ids. */
  text?: string;
}

/** A model that writes. */
export interface Writer {
  readonly modelFolder: string;
  readonly tokenizer: Tokenizer;
  readonly positions: number;
  /** Its template, or ChatML. @throws LuthierError `tokenizer-invalid` where it cannot be read */
  readonly chat: ChatTemplate;
  /** What its rows were read through. */
  readonly template: RowTemplate | undefined;
  /** What its folder says that it learned. */
  readonly task: TaskName;
  /** What generation_config.json says of sampling. */
  readonly suggestion: GenerationSettings;
  /** @param prompt a text, which goes in as it is, or ids. Errors as `write`. */
  write(prompt: string | Int32Array, request: WriterRequest): Promise<GeneratedText>;
  /**
   * Logarithms of the probabilities that each of these texts comes next.
   * @throws LuthierError `usage` where the prompt is empty or fills the model's positions, `cancelled`
   */
  logProbabilities(prompt: string | Int32Array, texts: readonly string[], signal?: AbortSignal): Promise<number[]>;
  dispose(): void;
}

/**
 * Loads a model that writes.
 * @throws LuthierError `model-unsupported` where the folder's model has no head that writes; else as openModelFolder
 */
export async function openWriter(
  modelFolder: string,
  {
    backend = 'auto',
    note = () => {},
    load_in_8bit = false,
  }: { backend?: BackendChoice; note?: Note; load_in_8bit?: boolean } = {},
): Promise<Writer> {
  const open = await openModel(modelFolder, backend, note, taskOfWriter, load_in_8bit);
  try {
    return await writerOf(open, load_in_8bit, note);
  } catch (error) {
    open.dispose();
    throw error;
  }
}

/**
 * The same with what is loaded for other questions, too.
 * @param opened gives that, and loads it where nobody has yet; who opened it disposes of it
 */
export async function shareWriter(
  modelFolder: string,
  opened: () => Promise<OpenModel>,
  note: Note,
  { load_in_8bit = false }: { load_in_8bit?: boolean } = {},
): Promise<Writer> {
  return writerOf(await modelThatWrites(modelFolder, opened), load_in_8bit, note);
}

/**
 * A folder's model for what only models that write can do.
 * @throws LuthierError `model-unsupported` before one that does not is loaded
 */
export async function modelThatWrites(modelFolder: string, opened: () => Promise<OpenModel>): Promise<OpenModel> {
  // A folder that cannot be read says why when it is loaded.
  const config: ModelConfig | null = await readJsonRecord(join(modelFolder, CONFIG_FILE)).catch(() => null);
  if (config && taskOf(answeringOfModel(config).name).writes === undefined) throw doesNotWrite(modelFolder, config);
  return opened();
}

async function writerOf(open: OpenModel, load_in_8bit: boolean, note: Note): Promise<Writer> {
  if (load_in_8bit && !open.model.computesIn8Bit && !open.model.device?.heldBits)
    note('warning', 'This backend has no 8-bit layers for answers. It computes them in float.');
  const held: Held | undefined = load_in_8bit ? { bits: 8, has: isLayerWeight(open.model.architecture) } : undefined;
  const said = { ...open.config, ...(await readGeneration(open)) };
  return { ...writing(open, said, held), dispose: open.dispose };
}

/** A folder that names no class may be of a model that writes. */
function taskOfWriter({ path, config }: ModelFolder): AnyTask {
  const classes = classesOf(config);
  if (classes.length === 0 || writesByClass(classes)) return taskNamed('text-generation');
  throw doesNotWrite(path, config);
}

const classesOf = ({ architectures }: ModelConfig): string[] =>
  Array.isArray(architectures) ? architectures.map(String) : [];

function doesNotWrite(path: string, config: ModelConfig): LuthierError {
  const named = classesOf(config);
  return new LuthierError(
    'model-unsupported',
    `${path} is a ${named.length > 0 ? named.join(', ') : String(config.model_type)}, which does not write texts.`,
    'Name a model that does, such as one whose config.json says LlamaForCausalLM or GPT2LMHeadModel; luthier predict asks a classifier.',
  );
}

/**
 * @param said config.json, and generation_config.json over it
 * @param held weights that are computed with in 8 bits; where a token is written, the head's are, too
 */
function writing(
  { model, tokenizer, path: modelFolder, template, config }: OpenModel,
  said: JsonRecord,
  held: Held | undefined,
): Omit<Writer, 'dispose'> {
  const eightBit = held && { isHeld: isProductWeight(model.architecture), isHeldInPrompts: held.has };
  const cached = new CachedModel(model, undefined, eightBit);
  const own = endsOf(said, tokenizer);
  let chat: ChatTemplate | undefined;
  return {
    ...{ modelFolder, tokenizer, template, task: taskOfModel(config).name },
    ...{ positions: cached.positions, suggestion: suggestionOf(said) },
    get chat() {
      chat ??= new ChatTemplate(tokenizer);
      return chat;
    },
    logProbabilities: async (prompt, texts, signal) => {
      const before = typeof prompt === 'string' ? promptIds(prompt, tokenizer) : [...prompt];
      const items = texts.map((text) => {
        const next = [...tokenizer.encodeBare(text).ids];
        if (next.length > 0) return continuation(before, next);
        throw new LuthierError('usage', 'There is no word that could come next.', 'Write one.');
      });
      const longest = items.reduce((n, { ids }) => Math.max(n, ids.length), 0);
      if (before.length === 0 || longest > cached.positions) {
        throw new LuthierError(
          'usage',
          before.length === 0
            ? 'The prompt is empty, so nothing can be said to come next.'
            : `The prompt and a word have ${longest} tokens, but the model has ${cached.positions} positions.`,
          before.length === 0 ? 'Write a prompt.' : 'Shorten the prompt.',
        );
      }
      const logs: number[] = [];
      // Every token's logits are computed: as many texts at once as an evaluation has.
      const atOnce = Math.max(1, Math.floor(MOST_LOGITS / (rowLength(longest) * model.numLabels)));
      for (let i = 0; i < items.length; i += atOnce) {
        if (signal) await afterTurns();
        if (signal?.aborted) throw new LuthierError('cancelled', 'Prediction cancelled.');
        const some = items.slice(i, i + atOnce);
        const losses = await model.losses(some, held);
        let at = 0;
        for (const { ids } of some) {
          logs.push(-losses.subarray(at, at + ids.length).reduce((a, b) => a + b, 0));
          at += ids.length;
        }
      }
      return logs;
    },
    write: inTurn(async (prompt, { settings, onText, signal, stream, ends = [], text }) => {
      const ids = typeof prompt === 'string' ? promptIds(prompt, tokenizer) : [...prompt];
      const start = performance.now();
      const written = await write(cached, ids, {
        ...{
          settings,
          onText,
          signal,
          ends: new Set([...own, ...ends, ...stopTokens(settings.stop, tokenizer)]),
          decodeStream: () => tokenizer.decodeStream(),
        },
        ...(stream === undefined ? {} : { stream }),
      });
      const seconds = (performance.now() - start) / 1000;
      return {
        text: text ?? (typeof prompt === 'string' ? prompt : tokenizer.decode(prompt)),
        generated_text: written.text,
        token_ids: written.ids,
        tokens_per_second: Math.round((written.ids.length / seconds) * 100) / 100,
        finish_reason: written.reason,
      };
    }),
  };
}

/** One after the other: they share what the model remembers. */
function inTurn(write: Writer['write']): Writer['write'] {
  let before: Promise<unknown> = Promise.resolve();
  return (...given) => {
    const mine = before.then(() => write(...given));
    before = mine.catch(() => {});
    return mine;
  };
}

/** A prompt and what comes next, of which alone the loss is counted. */
function continuation(before: readonly number[], next: readonly number[]): LabelledItem {
  const ids = Int32Array.from([...before, ...next.slice(0, -1)]);
  const labels = new Int32Array(ids.length).fill(IGNORED);
  labels.set(next, before.length - 1);
  return { ids, typeIds: null, labels };
}

/** A text begins as the tokenizer says; an empty one with the token that begins texts, as in transformers. */
function promptIds(text: string, tokenizer: Tokenizer): number[] {
  const { ids } = tokenizer.encode(text, Number.MAX_SAFE_INTEGER);
  if (ids.length > 0) return [...ids];
  const begin = tokenizer.specialId('bos_token');
  return begin === null ? [] : [begin];
}

/** Only where sampling is what is suggested; top_k 50 and the like stand in files that do not sample. */
function suggestionOf(said: JsonRecord): GenerationSettings {
  if (said.do_sample !== true) return {};
  const numbers = SAMPLING_KEYS.filter((key) => typeof said[key] === 'number').map((key) => [key, said[key]]);
  return { do_sample: true, ...Object.fromEntries(numbers) };
}
