import { counted, type Recipe } from '../../protocol/index.ts';
import type { ClassificationDataset } from '../data/types.ts';
import type { Encoder } from '../models/encoder.ts';
import { languageProblem } from '../text/language.ts';
import type { EncodedTexts, Tokenizer } from '../text/tokenizer.ts';
import type { LabelledText } from './classifier.ts';
import type { Note } from './types.ts';

export type Split = 'train' | 'validation' | 'test';
export type Encoded = Record<Split, LabelledText[]>;

/**
 * Tokenizes every part, and says what a person should know: rows that were cut, pieces that the tokenizer lacks, texts
 * in another script than the model's.
 * @param languages that the model's card names
 */
export function encode(
  dataset: ClassificationDataset,
  tokenizer: Tokenizer,
  recipe: Recipe,
  encoder: Encoder,
  languages: readonly string[] | null,
  note: Note,
): Encoded {
  const maxLength = Math.min(recipe.max_length, encoder.maxPositions);
  if (maxLength < recipe.max_length) {
    note(
      'warning',
      `max_length is ${recipe.max_length}, but the model takes at most ${encoder.maxPositions} tokens; ${maxLength} is used.`,
    );
  }
  const parts: Partial<Record<Split, EncodedTexts>> = {};
  for (const split of ['train', 'validation', 'test'] as const)
    parts[split] = tokenizer.encodeAll(dataset[split], maxLength);
  const all = Object.values(parts);
  const rows = all.reduce((n, part) => n + part.encodings.length, 0);
  const truncated = all.reduce((n, part) => n + part.truncatedRows, 0);
  if (truncated > 0) {
    const share = ((100 * truncated) / rows).toFixed(1);
    note(
      'warning',
      `${truncated.toLocaleString('en')} of ${counted(rows, 'text')} (${share} %) ${truncated === 1 ? 'is' : 'are'} longer than ${counted(maxLength, 'token')} (max_length) and will be cut.`,
    );
  }
  const sample = dataset.train.slice(0, 200).map((e) => e.text);
  const mismatch = languageProblem(languages, sample, parts.train!.unknownShare);
  if (mismatch) note('warning', mismatch.message);
  else if (parts.train!.unknownShare > 0) {
    note(
      'info',
      `${(100 * parts.train!.unknownShare).toFixed(2)} % of the texts’ tokens are unknown to the tokenizer.`,
    );
  }
  const labelled = (split: Split): LabelledText[] =>
    parts[split]!.encodings.map(({ ids, typeIds }, i) => ({ ids, typeIds, label: dataset[split][i]!.label }));
  return { train: labelled('train'), validation: labelled('validation'), test: labelled('test') };
}
