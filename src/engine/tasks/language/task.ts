import { LuthierError } from '../../../protocol/index.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { AnyTask, Item } from '../task.ts';
import { formatLanguage } from './format.ts';
import { generalText } from './general-text.ts';
import { languageLoss } from './loss.ts';
import { previewOf } from './preview.ts';
import { pooledLanguage } from './report.ts';

/** A text as a model goes on from it. */
export function promptOf(text: string, tokenizer: Tokenizer, maxLength: number): Item {
  const { ids } = tokenizer.encodeBare(text);
  const bos = tokenizer.addedBos;
  const all = bos === null ? ids : Int32Array.from([bos, ...ids]);
  return { ids: all.slice(-maxLength), typeIds: null };
}

/** What all tasks have that learn to write. */
export const LANGUAGE = {
  reads: 'all',
  measures: 'losses',
  inputs: () => [],
  loss: languageLoss,
  preview: previewOf,
  generalText,
  prepare: (texts, tokenizer, maxLength) =>
    texts.map((input) => promptOf(typeof input === 'string' ? input : input.text, tokenizer, maxLength)),
  decode: ({ model }) => {
    throw new LuthierError(
      'usage',
      `${model} writes texts; it has no label for one.`,
      'Use luthier generate, or luthier chat.',
    );
  },
  show: (answer) => ({ said: answer.generated_text, of: answer.text }),
  pool: pooledLanguage,
  format: formatLanguage,
} as const satisfies Partial<AnyTask>;
