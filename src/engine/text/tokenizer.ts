import { dirname, join } from 'node:path';
import { makeFolder, writeFileAtomically } from '../../files/write-file.ts';
import { LuthierError, type UnknownTokens } from '../../protocol/index.ts';
import { DecodeStream } from './decode-stream.ts';
import { PartError } from './part.ts';
import { Pipeline, type PlacedPieces } from './pipeline.ts';
import { SplittingTime } from './splitting-time.ts';
import type { Template } from './template.ts';
import { invalid, readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';
import { fitPair, type Truncation, windowsOver } from './windows.ts';

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

/** A window's tokens with where each is from. */
export interface PlacedEncoding extends Encoding {
  /**
   * Start and end of each token, one pair after the other, in UTF-16 units of its text, or of its word where words
   * were given; 0 and 0 for special tokens. `text.slice(start, end)` is what the token was made of.
   */
  offsets: Int32Array;
  /** The word that each token is of: of the given words, else of those that the tokenizer makes; -1 for special tokens. */
  wordIds: Int32Array;
  /** Number of each token among all of its text, whatever window it stands in; -1 for special tokens. */
  indices: Int32Array;
  /** 0 for tokens of the first text, 1 for those of the second, -1 for special tokens. */
  sequenceIds: Int8Array;
  /** 1 for the special tokens around the texts. */
  specialTokensMask: Uint8Array;
}

export interface PlacedOptions {
  maxLength: number;
  /** Tokens that a window shares with the one before it (doc_stride). Left out: one encoding, and the rest is cut. */
  stride?: number;
  /** Which text of a pair gives way; `longest_first` where left out. */
  truncation?: Truncation;
}

/** A text, or its words (is_split_into_words). */
export type PlacedInput = string | readonly string[];

/**
 * A Hugging Face tokenizer: tokenizer.json (pipeline.ts) with the files beside it, with the same answers as Python's
 * tokenizers.
 */
export class Tokenizer {
  /** The highest id and one. */
  readonly vocabSize: number;
  /** Id of the padding token; 0 when the folder names none (padding is masked, so any id does). */
  readonly padId: number;
  /** What pads: the padding token, or the end token where there is none (`isEnd`). */
  readonly padding: { readonly token: string; readonly id: number; readonly isEnd: boolean } | null;
  /** Id of unknown pieces; null in a vocabulary that knows every byte. */
  readonly unkId: number | null;
  readonly #files: TokenizerFiles;
  readonly #pipeline: Pipeline;
  readonly #keepEnd: boolean;
  readonly #time: SplittingTime;

  private constructor(files: TokenizerFiles) {
    this.#files = files;
    this.#time = new SplittingTime(files.source, files.json);
    try {
      this.#pipeline = new Pipeline(files.json);
    } catch (error) {
      if (![PartError, RangeError, SyntaxError, TypeError].some((kind) => error instanceof kind)) throw error;
      throw invalid(
        files.source,
        error instanceof TypeError
          ? 'is not understood (a part of it is missing or of another kind)'
          : (error as Error).message.slice(0, 300),
        'Luthier reads BERT’s, RoBERTa’s, GPT’s, Llama’s, T5’s and BART’s tokenizers. If this should be one, copy its files from the model’s page again.',
        error,
      );
    }
    const { ids, pieces, unknownId } = this.#pipeline;
    this.vocabSize = pieces.length;
    this.unkId = unknownId;
    const pad = files.special.get('pad_token') ?? ['[PAD]', '<pad>'].find((token) => ids.has(token));
    const token = [pad, files.special.get('eos_token')].find((it) => it !== undefined && ids.has(it));
    this.padding = token === undefined ? null : { token, id: ids.get(token)!, isEnd: token !== pad };
    this.padId = this.padding?.id ?? 0;
    this.#keepEnd = files.config.truncation_side === 'left';
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

  /** Tokens that fit beside the special ones. */
  #room(template: Template, maxLength: number): number {
    const room = maxLength - template.specials;
    if (room >= 1) return room;
    throw new LuthierError(
      'recipe-invalid',
      `max_length is ${maxLength}, which leaves no room for text besides ${template.specials} special tokens.`,
      `Set max_length to at least ${template.specials + 1}; 128 suits most texts.`,
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
    const template = this.#pipeline.templates[textPair === undefined ? 'single' : 'pair'];
    const room = this.#room(template, maxLength);
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

  /**
   * The same with the place of each token, and overlapping windows over what does not fit: the windows' order and
   * content are those of transformers' `return_overflowing_tokens`, `stride` and `truncation`.
   * @param text A text, or its words.
   * @returns One encoding where `stride` is left out, else one a window, which together have every token.
   * @throws LuthierError `recipe-invalid` where max_length, stride and truncation leave no room for text.
   */
  encodePlaced(text: PlacedInput, options: PlacedOptions, textPair?: PlacedInput): PlacedEncoding[] {
    const { maxLength, stride, truncation = 'longest_first' } = options;
    const template = this.#pipeline.templates[textPair === undefined ? 'single' : 'pair'];
    const a = this.#placed(text);
    const b = textPair === undefined ? null : this.#placed(textPair);
    const windows = windowsOver(a.ids.length, b?.ids.length ?? null, this.#room(template, maxLength), {
      truncation,
      stride: stride ?? 0,
      fromEnd: this.#keepEnd,
    });
    const truncated = windows.length > 1;
    return (stride === undefined ? windows.slice(0, 1) : windows).map((window) => {
      const length = template.specials + window.a.end - window.a.start + window.b.end - window.b.start;
      const encoding: PlacedEncoding = {
        ids: new Int32Array(length),
        typeIds: template.hasTypes ? new Uint8Array(length) : null,
        truncated,
        unknown: 0,
        offsets: new Int32Array(2 * length),
        wordIds: new Int32Array(length).fill(-1),
        indices: new Int32Array(length).fill(-1),
        sequenceIds: new Int8Array(length).fill(-1),
        specialTokensMask: new Uint8Array(length),
      };
      let at = 0;
      for (const { id, typeId } of template.items) {
        const start = at;
        if (typeof id === 'number') {
          encoding.specialTokensMask[at] = 1;
          encoding.ids[at++] = id;
        } else {
          const pieces = id === 'A' ? a : b!;
          const span = id === 'A' ? window.a : window.b;
          encoding.ids.set(pieces.ids.slice(span.start, span.end), at);
          encoding.offsets.set(this.#pipeline.trimmed(pieces, span.start, span.end), 2 * at);
          encoding.wordIds.set(pieces.words.slice(span.start, span.end), at);
          for (let i = span.start; i < span.end; i++) encoding.indices[at + i - span.start] = i;
          at += span.end - span.start;
          encoding.sequenceIds.fill(id === 'A' ? 0 : 1, start, at);
          for (let i = start; i < at; i++) if (encoding.ids[i] === this.unkId) encoding.unknown++;
        }
        encoding.typeIds?.fill(typeId, start, at);
      }
      return encoding;
    });
  }

  /** A text's pieces with their places, or those of its words, one after the other. */
  #placed(input: PlacedInput): PlacedPieces {
    if (typeof input === 'string') return this.#time.within(input, () => this.#pipeline.place(input));
    const all: PlacedPieces = { ids: [], offsets: [], words: [], pieces: [] };
    for (const [word, text] of input.entries()) {
      const placed = this.#time.within(text, () => this.#pipeline.place(text));
      for (const id of placed.ids) {
        all.ids.push(id);
        all.words.push(word);
      }
      for (const offset of placed.offsets) all.offsets.push(offset);
      for (const piece of placed.pieces) all.pieces.push(piece);
    }
    return all;
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
      pieces += length - this.#pipeline.templates[pair === undefined ? 'single' : 'pair'].specials;
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

  /** A text's ids without special tokens around it, and start and end of each in UTF-16 units, one after the other. */
  encodeBare(text: string): { ids: Int32Array; offsets: Int32Array } {
    const { ids, offsets } = this.#placed(text);
    return { ids: Int32Array.from(ids), offsets: Int32Array.from(offsets) };
  }

  /** Unknown tokens of a text or a pair that was encoded, and tokens besides the special ones. */
  unknownIn(ids: Int32Array, isPair: boolean): UnknownTokens {
    const { specials } = this.#pipeline.templates[isPair ? 'pair' : 'single'];
    return { count: ids.filter((id) => id === this.unkId).length, of: ids.length - specials };
  }

  /** bos_token and the others, by their names in tokenizer_config.json. */
  get specialTokens(): ReadonlyMap<string, string> {
    return this.#files.special;
  }

  /** How dialogues are written, and the file that says so; null where the model has no chat template. */
  get chatTemplate(): { readonly file: string; readonly text: string } | null {
    return this.#files.chatTemplate;
  }

  /** Id of a token; null where the vocabulary lacks it. */
  idOf(token: string): number | null {
    return this.#pipeline.ids.get(token) ?? null;
  }

  /** The id of what tokenizer_config.json calls `bos_token`, `eos_token` and the like; null where there is none. */
  specialId(name: string): number | null {
    return this.idOf(this.specialTokens.get(name) ?? '');
  }

  /** Whether a token is one of those that are left out of a decoded text. */
  isSpecial(id: number): boolean {
    return this.#pipeline.specialIds.has(id);
  }

  /** bos_token's id where it is put in front of each text, else null. */
  get addedBos(): number | null {
    const bos = this.specialId('bos_token');
    return this.#pipeline.templates.single.items[0]?.id === bos ? bos : null;
  }

  /** `model_max_length` of tokenizer_config.json; null where none is meant (transformers then writes 1e30). */
  get maxLength(): number | null {
    const value = this.#files.config.model_max_length;
    return typeof value === 'number' && value >= 1 && value <= 1e6 ? value : null;
  }

  /** The text of ids; special tokens are left out unless they are asked for. */
  decode(ids: ArrayLike<number>, { skipSpecialTokens = true } = {}): string {
    return this.#pipeline.decode(ids, skipSpecialTokens);
  }

  /** Decodes ids that come one at a time, as a model generates them. */
  decodeStream(options: { skipSpecialTokens?: boolean } = {}): DecodeStream {
    return new DecodeStream((ids) => this.decode(ids, options));
  }

  /**
   * Writes the tokenizer's files as they were read, with a tokenizer.json where there was only a vocab.txt and a
   * tokenizer_config.json that makes Python and transformers.js read it as we do. Makes the folder where needed.
   * @param modelMaxLength What texts were cut to in training, written as `model_max_length`: pipelines of both
   *   libraries, and our own predictions, then cut alike.
   * @param chatTemplate Written where the tokenizer brought none: what dialogues were learned in.
   * @throws LuthierError `disk-full` or `not-writable`.
   */
  async save(folder: string, modelMaxLength?: number, chatTemplate?: string): Promise<void> {
    const output = new Map<string, Uint8Array | string>(this.#files.output);
    if (chatTemplate !== undefined && this.chatTemplate === null) output.set('chat_template.jinja', chatTemplate);
    if (modelMaxLength !== undefined) {
      const config: unknown = JSON.parse(String(output.get('tokenizer_config.json')));
      const pad_token = this.padding?.isEnd ? { pad_token: this.padding.token } : {};
      output.set(
        'tokenizer_config.json',
        `${JSON.stringify({ ...(config as object), ...pad_token, model_max_length: modelMaxLength }, null, 2)}\n`,
      );
    }
    await makeFolder(folder);
    for (const [name, content] of output) await writeFileAtomically(join(folder, name), content);
  }

  #pieces(raw: string): number[] {
    return this.#time.within(raw, () => this.#pipeline.encode(raw));
  }
}
