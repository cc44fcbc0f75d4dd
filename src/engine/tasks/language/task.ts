import { counted, LuthierError } from '../../../protocol/index.ts';
import { nameOf } from '../../data/row-source.ts';
import type { TaskRow } from '../../data/types.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { AnyTask, Item } from '../task.ts';
import { formatLanguage } from './format.ts';
import { generalText } from './general-text.ts';
import { countLearnt, type LanguageItem, SAMPLES, segmentsOf } from './items.ts';
import { languageLoss } from './loss.ts';
import { pooledLanguage } from './report.ts';

/** A text as a model goes on from it. */
export function promptOf(text: string, tokenizer: Tokenizer, maxLength: number): Item {
  const { ids } = tokenizer.encodeBare(text);
  const bos = tokenizer.addedBos;
  const all = bos === null ? ids : Int32Array.from([bos, ...ids]);
  return { ids: all.slice(-maxLength), typeIds: null };
}

/** Characters of a part that is shown: its beginning and its end. */
const PART_LENGTH = 120;

/** The first items as they are learnt: what is learnt stands between ⟦ and ⟧. */
function preview(rows: readonly TaskRow[], items: readonly LanguageItem[], tokenizer: Tokenizer): string[] {
  return items.slice(0, SAMPLES).map((item) => {
    const shown = segmentsOf(item, tokenizer).map(({ text, learnt }) => {
      const line = text.replace(/\s+/g, ' ');
      const short =
        line.length <= PART_LENGTH ? line : `${line.slice(0, PART_LENGTH / 2)} … ${line.slice(-PART_LENGTH / 2)}`;
      return learnt ? `⟦${short}⟧` : short;
    });
    const { file, line } = rows[item.row]!;
    const learnt = countLearnt(item.labels);
    return `${nameOf(file)}, line ${line}: ${learnt} of ${counted(item.ids.length, 'token')} ${learnt === 1 ? 'is' : 'are'} learnt, between ⟦ and ⟧: ${shown.join('')}`;
  });
}

/** What all tasks have that learn to write. */
export const LANGUAGE = {
  reads: 'all',
  measures: 'losses',
  inputs: () => [],
  loss: languageLoss,
  preview,
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
