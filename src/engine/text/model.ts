import { BpeModel } from './bpe.ts';
import { Part, PartError } from './part.ts';
import { UnigramModel } from './unigram.ts';
import { type Model, type Vocabulary, WordLevelModel, WordPieceModel } from './word-models.ts';

/** tokenizer.json's `model`: a vocabulary and how a word is made of its pieces. Throws where a part is not understood. */
export function createModel(json: Record<string, unknown>): Model {
  const type = json.type ?? typeByKeys(json);
  const part = new Part('model', { ...json, type });
  const model = create(part);
  part.finish();
  return model;
}

/** Old files carry no type (as tokenizers, models/mod.rs, tells them apart). */
function typeByKeys(json: Record<string, unknown>): string {
  if ('merges' in json) return 'BPE';
  if (Array.isArray(json.vocab)) return 'Unigram';
  return 'continuing_subword_prefix' in json || 'max_input_chars_per_word' in json ? 'WordPiece' : 'WordLevel';
}

function create(part: Part): Model {
  switch (part.type) {
    case 'WordPiece': {
      const vocab = vocabulary(part);
      return new WordPieceModel(vocab, {
        unknown: unknownId(part, vocab, '[UNK]'),
        prefix: part.string('continuing_subword_prefix', '##'),
        maxCharacters: part.count('max_input_chars_per_word', 100),
      });
    }
    case 'WordLevel': {
      const vocab = vocabulary(part);
      return new WordLevelModel(vocab, unknownId(part, vocab, '<unk>'));
    }
    case 'BPE': {
      const dropout = part.value('dropout');
      if (dropout != null && dropout !== 0)
        throw part.wrong('dropout', `is ${String(dropout)}: it would split a text differently each time`);
      return new BpeModel(part, vocabulary(part));
    }
    case 'Unigram': {
      const pieces = part.value('vocab');
      if (!Array.isArray(pieces)) throw part.wrong('vocab', 'must be a list');
      return new UnigramModel(
        pieces as [string, number][],
        part.optional('unk_id', (key) => part.count(key)),
        part.boolean('byte_fallback', false),
      );
    }
    default:
      throw part.unknown();
  }
}

function vocabulary(part: Part): Vocabulary {
  const vocab = part.value('vocab');
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab))
    throw part.wrong('vocab', 'must be an object');
  return new Map(Object.entries(vocab as Record<string, number>));
}

function unknownId(part: Part, vocab: Vocabulary, fallback: string): number {
  const token = part.string('unk_token', fallback);
  const id = vocab.get(token);
  if (id === undefined)
    throw new PartError(`key "model.unk_token" is ${JSON.stringify(token)}, which "model.vocab" lacks`);
  return id;
}
