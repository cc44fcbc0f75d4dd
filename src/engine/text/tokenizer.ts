import { dirname, join } from 'node:path';
import type * as hf from '@huggingface/tokenizers';
import { makeFolder, writeFileAtomically } from '../../files/write-file.ts';
import { LuthierError } from '../errors.ts';
import { addedTokenPattern, createLibraryTokenizer, whyNot } from './library.ts';
import { OutOfTime, withTimeLimit } from './time-limit.ts';
import { invalid, readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';

/** One text (or pair) as the model takes it, its special tokens included, never padded. */
export interface Encoding {
  ids: Int32Array;
  /** Segment of each id; null when all are 0. */
  typeIds: Uint8Array | null;
  /** Whether pieces were left out to keep within max_length. */
  truncated: boolean;
  /** Kept pieces that the vocabulary does not have. */
  unknown: number;
}

export interface EncodedTexts {
  encodings: Encoding[];
  /** Rows that did not fit in max_length. */
  truncatedRows: number;
  /** Unknown pieces over all kept pieces, special tokens not counted; 0 without pieces. */
  unknownShare: number;
  /** Mean and longest number of ids, special tokens included. */
  meanLength: number;
  maxLength: number;
}

/** A text alone, or what data/types.ts's Example has of it. */
export type TextInput = string | { text: string; text_pair?: string };

/** How special tokens stand around the texts: ids, and `A` or `B` where a text's pieces go. */
interface Template {
  items: { id: number | 'A' | 'B'; typeId: number }[];
  specials: number;
  hasTypes: boolean;
}

const LONE_SURROGATE = /\p{Cs}/gu;
/** Words repeat, so each is split once; longer ones hardly do. */
const CACHED_WORDS = 50_000;
const CACHED_WORD_LENGTH = 64;
/** Characters; shorter texts take no time that could matter, unless a regular expression says otherwise. */
const SHORT_TEXT = 20_000;
/** What splitting a text may take, and more for each of its characters: a hundred times what slow machines need. */
const TEXT_MS = 3_000;
const CHARACTER_MS = 0.02;

/** Whether a part of tokenizer.json holds a regular expression. */
const hasPattern = (part: unknown): boolean =>
  typeof part === 'object' &&
  part !== null &&
  ('Regex' in part || Object.values(part).some((value) => hasPattern(value)));

/**
 * A Hugging Face tokenizer: tokenizer.json read by @huggingface/tokenizers, with the steps in which that differs from
 * Python's tokenizers put right (library.ts).
 */
export class Tokenizer {
  /** The highest id and one. */
  readonly vocabSize: number;
  /** Id of the padding token; 0 when the folder names none (padding is masked, so any id does). */
  readonly padId: number;
  /** Id of unknown pieces; null in a vocabulary that knows every byte. */
  readonly unkId: number | null;
  readonly #files: TokenizerFiles;
  readonly #library: hf.Tokenizer;
  readonly #single: Template;
  readonly #pair: Template;
  readonly #keepEnd: boolean;
  /** Matches a text that holds an added token such as [SEP]; the library splits those. */
  readonly #addedToken: RegExp | null;
  readonly #words = new Map<string, number[]>();
  /** The file brings regular expressions of its own, which may take any time. */
  readonly #hasPatterns: boolean;

  private constructor(files: TokenizerFiles) {
    this.#files = files;
    this.#library = createLibraryTokenizer(files);
    this.#hasPatterns = ['normalizer', 'pre_tokenizer'].some((key) => hasPattern(files.json[key]));
    const model = this.#library.model!;
    this.vocabSize = model.vocab.findLastIndex((piece) => piece !== undefined) + 1;
    this.unkId = model.unk_token_id ?? null;
    const pad = files.special.get('pad_token') ?? ['[PAD]', '<pad>'].find((t) => model.tokens_to_ids.has(t));
    this.padId = (pad === undefined ? undefined : model.tokens_to_ids.get(pad)) ?? 0;
    this.#single = this.#understood('post_processor', () => this.#template(false));
    this.#pair = this.#understood('post_processor', () => this.#template(true));
    this.#addedToken = this.#understood('added_tokens', () => addedTokenPattern(this.#library));
    this.#keepEnd = files.config.truncation_side === 'left';
    // The library reads most settings when they are used: better now than at somebody's text.
    this.#understood(null, () => this.#pieces('A text, 1 or 2 words.'));
  }

  /** The library's own errors name neither file nor key. */
  #understood<T>(key: string | null, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof LuthierError) throw error;
      const what = key === null ? 'cannot split a text' : `key "${key}" is not understood`;
      throw invalid(this.#files.source, `${what} (${whyNot(error)})`, undefined, error);
    }
  }

  /**
   * Reads the tokenizer of a model's folder: tokenizer.json, or a BERT vocab.txt alone.
   * Throws LuthierError `tokenizer-invalid` naming the file and the key at fault.
   */
  static async load(folder: string): Promise<Tokenizer> {
    return new Tokenizer(await readTokenizerFiles(folder));
  }

  /** Throws LuthierError `tokenizer-invalid` when the tokenizer has ids that a model of `vocab_size` embeddings lacks. */
  checkFits(vocabSizeOfModel: number): void {
    if (this.vocabSize <= vocabSizeOfModel) return;
    const { added, source } = this.#files;
    const beyond = added.filter(({ id }) => id >= vocabSizeOfModel).sort((a, b) => a.id - b.id);
    const first = beyond[0];
    const model = `the model's vocab_size in config.json is ${vocabSizeOfModel}`;
    if (first === undefined) {
      throw new LuthierError(
        'tokenizer-invalid',
        `${source} has ids up to ${this.vocabSize - 1}, but ${model}.`,
        'The tokenizer and the weights are from different models. Use both from the same model.',
      );
    }
    const more = beyond.length > 1 ? ` and ${beyond.length - 1} more` : '';
    const ids = beyond.length > 1 ? `the ids ${first.id}–${beyond.at(-1)!.id}` : `the id ${first.id}`;
    throw new LuthierError(
      'tokenizer-invalid',
      `${join(dirname(source), first.file)} gives the added token ${JSON.stringify(first.content)}${more} ${ids}, but ${model}.`,
      'The model was saved without embeddings for them. In Python, call model.resize_token_embeddings(len(tokenizer)) and save it again, or remove the tokens from that file.',
    );
  }

  /**
   * Ids of a text, or of a pair of texts, with the model's special tokens. What exceeds `maxLength` ids is cut as
   * transformers does with `truncation=True`: from the longer text of a pair first.
   * Throws LuthierError `recipe-invalid` when `maxLength` leaves no room for text; never because of a text.
   */
  encode(text: string, maxLength: number, textPair?: string): Encoding {
    const a = this.#pieces(text);
    const b = textPair === undefined ? [] : this.#pieces(textPair);
    const template = textPair === undefined ? this.#single : this.#pair;
    const room = maxLength - template.specials;
    if (!(room >= 1))
      throw new LuthierError(
        'recipe-invalid',
        `max_length is ${maxLength}, which leaves no room for text besides ${template.specials} special tokens.`,
        `Set max_length to at least ${template.specials + 1}; 128 suits most texts.`,
      );
    const [lengthA, lengthB] =
      textPair === undefined ? [Math.min(a.length, room), 0] : fitPair(a.length, b.length, room);
    const ids = new Int32Array(template.specials + lengthA + lengthB);
    const typeIds = template.hasTypes ? new Uint8Array(ids.length) : null;
    let unknown = 0;
    let at = 0;
    for (const { id, typeId } of template.items) {
      const start = at;
      if (typeof id === 'number') ids[at++] = id;
      else {
        const pieces = id === 'A' ? a : b;
        const length = id === 'A' ? lengthA : lengthB;
        const offset = this.#keepEnd ? pieces.length - length : 0;
        for (let i = 0; i < length; i++) {
          const piece = pieces[offset + i]!;
          if (piece === this.unkId) unknown++;
          ids[at++] = piece;
        }
      }
      typeIds?.fill(typeId, start, at);
    }
    return { ids, typeIds, truncated: lengthA < a.length || lengthB < b.length, unknown };
  }

  /** Encodes rows in order and counts what a person should know about them. Errors as `encode`. */
  encodeAll(texts: readonly TextInput[], maxLength: number): EncodedTexts {
    let truncatedRows = 0;
    let unknown = 0;
    let pieces = 0;
    let total = 0;
    let longest = 0;
    const encodings = texts.map((row) => {
      const pair = typeof row === 'string' ? undefined : row.text_pair;
      const encoding = this.encode(typeof row === 'string' ? row : row.text, maxLength, pair);
      const length = encoding.ids.length;
      if (encoding.truncated) truncatedRows++;
      unknown += encoding.unknown;
      total += length;
      pieces += length - (pair === undefined ? this.#single : this.#pair).specials;
      longest = Math.max(longest, length);
      return encoding;
    });
    return {
      encodings,
      truncatedRows,
      unknownShare: pieces === 0 ? 0 : unknown / pieces,
      meanLength: texts.length === 0 ? 0 : total / texts.length,
      maxLength: longest,
    };
  }

  /** `model_max_length` of tokenizer_config.json; null where none is meant (transformers then writes 1e30). */
  get maxLength(): number | null {
    const value = this.#files.config.model_max_length;
    return typeof value === 'number' && value >= 1 && value <= 1e6 ? value : null;
  }

  /** The text of ids, special tokens left out. */
  decode(ids: ArrayLike<number>): string {
    return ids.length === 0 ? '' : this.#library.decode(Array.from(ids), { skip_special_tokens: true });
  }

  /**
   * Writes the tokenizer's files as they were read, with a tokenizer.json where there was only a vocab.txt and a
   * tokenizer_config.json that makes Python and transformers.js read it as we do. Makes the folder where needed.
   * @param modelMaxLength What texts were cut to in training, written as `model_max_length`: pipelines of both
   *   libraries, and our own predictions, then cut alike.
   * @throws LuthierError `disk-full` or `not-writable`.
   */
  async save(folder: string, modelMaxLength?: number): Promise<void> {
    const output = new Map<string, Uint8Array | string>(this.#files.output);
    if (modelMaxLength !== undefined) {
      const config: unknown = JSON.parse(String(output.get('tokenizer_config.json')));
      output.set(
        'tokenizer_config.json',
        `${JSON.stringify({ ...(config as object), model_max_length: modelMaxLength }, null, 2)}\n`,
      );
    }
    await makeFolder(folder);
    for (const [name, content] of output)
      await writeFileAtomically(join(folder, name), (file) => file.writeFile(content));
  }

  /** Ids of a text's pieces, within a time that no text takes with a tokenizer that is meant seriously. */
  #pieces(raw: string): number[] {
    if (!this.#hasPatterns && raw.length <= SHORT_TEXT) return this.#split(raw);
    const limit = TEXT_MS + raw.length * CHARACTER_MS;
    try {
      return withTimeLimit(limit, () => this.#split(raw));
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      throw new LuthierError(
        'tokenizer-invalid',
        `${this.#files.source} takes more than ${(limit / 1000).toFixed(0)} s to split a text of ${raw.length} characters (${JSON.stringify(`${raw.slice(0, 40)}…`)}).`,
        this.#hasPatterns
          ? 'A regular expression in its normalizer or pre_tokenizer can take unlimited time on such a text. Download the tokenizer again from the model’s page.'
          : 'Split such texts into shorter ones.',
        { cause: error },
      );
    }
  }

  /** Splits into words as the library's encode does, but keeps each word's ids for the next time. */
  #split(raw: string): number[] {
    const text = raw.replace(LONE_SURROGATE, '\uFFFD');
    const { normalizer, pre_tokenizer: preTokenizer } = this.#library;
    const normalized = normalizer ? normalizer.normalize(text) : text;
    if (this.#addedToken?.test(text) || this.#addedToken?.test(normalized))
      return this.#library.encode(text, { add_special_tokens: false }).ids.filter((id) => id !== undefined);
    if (normalized === '') return [];
    const ids: number[] = [];
    for (const word of preTokenizer ? preTokenizer.pre_tokenize_text(normalized, { section_index: 0 }) : [normalized])
      for (const id of this.#words.get(word) ?? this.#wordPieces(word)) ids.push(id);
    return ids;
  }

  /** Ids of one word's pieces; a piece that the vocabulary lacks is dropped where there is no unknown token, as in Python. */
  #wordPieces(word: string): number[] {
    const model = this.#library.model!;
    const ids = model([word]).flatMap((piece) => model.tokens_to_ids.get(piece) ?? model.unk_token_id ?? []);
    if (word.length <= CACHED_WORD_LENGTH) {
      if (this.#words.size >= CACHED_WORDS) this.#words.clear();
      this.#words.set(word, ids);
    }
    return ids;
  }

  /** Asks the library's post-processor where it puts special tokens by giving it one mark for each text. */
  #template(pair: boolean): Template {
    const { post_processor: processor, model } = this.#library;
    const marks = new Map<string, 'A' | 'B'>([
      ['\u0000A', 'A'],
      ['\u0000B', 'B'],
    ]);
    const plain = pair ? [...marks.keys()] : ['\u0000A'];
    const processed = processor ? processor(['\u0000A'], pair ? ['\u0000B'] : null, true) : { tokens: plain };
    const items = processed.tokens.map((token, i) => {
      const id = marks.get(token) ?? model!.tokens_to_ids.get(token);
      if (id === undefined)
        throw invalid(
          this.#files.source,
          `key "post_processor" names ${token === undefined ? 'a token without a text' : `the token ${JSON.stringify(token)}`}, which the vocabulary lacks`,
        );
      return { id, typeId: processed.token_type_ids?.[i] ?? 0 };
    });
    const specials = items.filter(({ id }) => typeof id === 'number').length;
    return { items, specials, hasTypes: items.some(({ typeId }) => typeId !== 0) };
  }
}

/**
 * Pieces kept of each text of a pair in `room`: the longer is cut to the shorter's length before both are.
 * tokenizers, src/utils/truncation.rs, LongestFirst.
 */
export function fitPair(lengthA: number, lengthB: number, room: number): [number, number] {
  const shorter = Math.min(lengthA, lengthB);
  let short = shorter;
  let long = shorter > room ? shorter : Math.max(shorter, room - shorter);
  if (short + long > room) {
    short = Math.floor(room / 2);
    long = short + (room % 2);
  }
  const [a, b] = lengthA > lengthB ? [long, short] : [short, long];
  return [Math.min(a, lengthA), Math.min(b, lengthB)];
}
