import { type AddedToken, AddedTokens } from './added-tokens.ts';
import { AlignedText } from './aligned.ts';
import { createDecoder, type Decoder, SPACED } from './decoders.ts';
import { createModel } from './model.ts';
import { createNormalizer } from './normalizers.ts';
import { Part, PartError } from './part.ts';
import { createPreTokenizer } from './pre-tokenizers.ts';
import type { Normalizer, PreTokenizer } from './steps.ts';
import { createTemplates, PLAIN, type Templates, trimOffsets } from './template.ts';
import type { Model, Pieces } from './word-models.ts';

/** A text's pieces, in order. */
export interface PlacedPieces {
  ids: number[];
  /** Start and end of each piece in the text, UTF-16 units, one after the other. */
  offsets: number[];
  /** The word that each piece is of. */
  words: number[];
  /** Each piece as it stands in the vocabulary; an added token as it stands in the text, with the spaces it took. */
  pieces: string[];
}

/** What a tokenizer.json consists of; truncation and padding are chosen where texts are encoded. */
const KEYS: ReadonlySet<string> = new Set([
  ...['version', 'truncation', 'padding', 'added_tokens', 'normalizer', 'pre_tokenizer', 'post_processor', 'decoder'],
  'model',
]);
/** Words repeat, so each is split once; longer ones hardly do. */
const CACHED_WORDS = 50_000;
const CACHED_WORD_LENGTH = 64;
/** One for each half of a pair that stands alone, so that places stay as they are. */
const LONE_SURROGATE = /\p{Cs}/gu;

/**
 * What tokenizer.json describes, from text to ids and back, with the same answers as Python's tokenizers: normaliser,
 * words, pieces, templates of special tokens, decoder. Throws PartError for what it does not understand.
 */
export class Pipeline {
  readonly templates: Templates;
  /** Every piece, added tokens too, and its id. */
  readonly ids: ReadonlyMap<string, number>;
  /** The piece of each id. */
  readonly pieces: readonly (string | undefined)[];
  readonly specialIds: ReadonlySet<number>;
  readonly unknownId: number | null;
  readonly #model: Model;
  readonly #normalizer: Normalizer | null;
  readonly #preTokenizer: PreTokenizer | null;
  readonly #added: AddedTokens;
  readonly #decoder: Decoder;
  /** Normalised added tokens, which are decoded as they were found in the text. */
  readonly #normalizedTokens: ReadonlyMap<number, string>;
  /** Ids of words, and pieces of words whose places were asked for. */
  readonly #idsOfWords = new Map<string, number[]>();
  readonly #piecesOfWords = new Map<string, Pieces>();

  constructor(json: Record<string, unknown>) {
    const unknown = Object.keys(json).find((key) => !KEYS.has(key) && json[key] !== null);
    if (unknown !== undefined) throw new PartError(`key ${JSON.stringify(unknown)} is not one that Luthier knows`);
    const part = <T>(key: string, create: (part: Part) => T): T | null => {
      if (json[key] == null) return null;
      const each = new Part(key, json[key]);
      const made = create(each);
      each.finish();
      return made;
    };
    this.#normalizer = part('normalizer', createNormalizer);
    this.#preTokenizer = part('pre_tokenizer', createPreTokenizer);
    this.#model = createModel(json.model as Record<string, unknown>);
    this.unknownId = this.#model.unknownId;
    const added = (json.added_tokens as Partial<AddedToken>[]).map(completed);
    this.#added = new AddedTokens(added, this.#normalizer);
    this.#normalizedTokens = new Map(
      added
        .filter(({ normalized }) => normalized)
        .map(({ id, content }) => [id, this.#normalizer?.normalize(content) ?? content]),
    );
    const ids = new Map(this.#model.vocabulary);
    for (const { content, id } of added) ids.set(content, id);
    this.ids = ids;
    const pieces: (string | undefined)[] = [];
    for (const [piece, id] of this.#model.vocabulary) pieces[id] = piece;
    for (const { content, id } of added) pieces[id] = content;
    this.pieces = pieces;
    this.specialIds = new Set(added.filter(({ special }) => special).map(({ id }) => id));
    this.templates = part('post_processor', (each) => createTemplates(each, ids)) ?? PLAIN;
    this.#decoder = part('decoder', createDecoder) ?? SPACED;
  }

  /** Ids of a text's pieces. */
  encode(raw: string): number[] {
    const text = raw.replace(LONE_SURROGATE, '\uFFFD');
    const normalized = this.#normalizer?.normalize(text) ?? text;
    if (this.#added.areIn(text, normalized)) return this.place(text).ids;
    if (normalized === '') return [];
    const ids: number[] = [];
    for (const word of this.#preTokenizer?.words(normalized) ?? [normalized])
      for (const id of this.#idsOfWords.get(word) ?? remember(this.#idsOfWords, word, this.#model.pieces(word).ids))
        ids.push(id);
    return ids;
  }

  /** Pieces with their places in the text, and their words as the pre-tokenizer makes them. */
  place(raw: string): PlacedPieces {
    const placed: PlacedPieces = { ids: [], offsets: [], words: [], pieces: [] };
    const add = (text: AlignedText, word: number, id: number, start: number, end: number, piece: string): void => {
      placed.ids.push(id);
      const [from, to] = text.original(start, end);
      placed.offsets.push(from, to);
      placed.words.push(word);
      placed.pieces.push(piece);
    };
    let word = 0;
    for (const { text, id } of this.#added.split(AlignedText.of(raw.replace(LONE_SURROGATE, '\uFFFD')))) {
      if (id !== null) add(text, word++, id, 0, text.text.length, text.text);
      else
        for (const each of this.#preTokenizer?.split(text) ?? [text]) {
          const { ids, starts, ends } =
            this.#piecesOfWords.get(each.text) ??
            remember(this.#piecesOfWords, each.text, this.#model.pieces(each.text));
          for (const [i, piece] of ids.entries())
            add(each, word, piece, starts[i]!, ends[i]!, this.pieces[piece] ?? '');
          word++;
        }
    }
    return placed;
  }

  /** Offsets of some pieces, without the spaces at their ends where the post-processor says so. */
  trimmed({ pieces, offsets }: PlacedPieces, start: number, end: number): number[] {
    const part = offsets.slice(2 * start, 2 * end);
    const { trim } = this.templates;
    if (trim !== null) trimOffsets(pieces.slice(start, end), part, trim.prefix);
    return part;
  }

  /** The text of ids; ids that are no piece's are left out. */
  decode(ids: ArrayLike<number>, skipSpecial: boolean): string {
    const pieces = Array.from(ids, (id) =>
      skipSpecial && this.specialIds.has(id) ? undefined : (this.#normalizedTokens.get(id) ?? this.pieces[id]),
    );
    return this.#decoder(pieces.filter((piece) => piece !== undefined)).join('');
  }
}

const completed = (token: Partial<AddedToken>): AddedToken => ({
  id: token.id!,
  content: token.content!,
  single_word: token.single_word ?? false,
  lstrip: token.lstrip ?? false,
  rstrip: token.rstrip ?? false,
  special: token.special ?? false,
  normalized: token.normalized ?? !token.special,
});

function remember<T>(words: Map<string, T>, word: string, value: T): T {
  if (word.length <= CACHED_WORD_LENGTH) {
    if (words.size >= CACHED_WORDS) words.clear();
    words.set(word, value);
  }
  return value;
}
