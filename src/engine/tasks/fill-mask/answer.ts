import {
  counted,
  formatPercent,
  LuthierError,
  type MaskFill,
  type MaskPrediction,
  maskFills,
} from '../../../protocol/index.ts';
import type { TextInput, Tokenizer } from '../../text/tokenizer.ts';
import type { Answering, Item } from '../task.ts';
import { notFinite, softmax } from '../text-classification/predictions.ts';

/** A text with one of its masks to be answered. */
export interface MaskedItem extends Item {
  read: number;
  /** Which of the texts it is of. */
  row: number;
}

/** Likeliest tokens that are told, as many as transformers' pipeline gives. */
const TOLD = 5;

/** What BERT's and RoBERTa's tokenizers call their mask where no file of theirs says. */
export const USUAL_MASKS = ['[MASK]', '<mask>'] as const;

/** A model's mask, as it stands in texts, and its id. @throws LuthierError `model-unsupported` where it has none */
export function maskOf(tokenizer: Tokenizer): { token: string; id: number } {
  const named = tokenizer.specialTokens.get('mask_token');
  for (const token of named === undefined ? USUAL_MASKS : [named]) {
    const id = tokenizer.idOf(token);
    if (id !== null) return { token, id };
  }
  throw new LuthierError(
    'model-unsupported',
    'The model’s tokenizer has no mask_token, so there is no place to answer at.',
    'Name a model with a masked-language head, such as bert-base-uncased or distilroberta-base.',
  );
}

/**
 * Items of texts with masks, one for each mask.
 * @throws LuthierError `usage` for a text without one, or with one past the model's length
 */
export function maskedItems(texts: readonly TextInput[], tokenizer: Tokenizer, maxLength: number): MaskedItem[] {
  const mask = maskOf(tokenizer);
  return texts.flatMap((input, row) => {
    const { text, text_pair }: { text: string; text_pair?: string } =
      typeof input === 'string' ? { text: input } : input;
    const { ids, typeIds } = tokenizer.encode(text, maxLength, text_pair);
    const places = [...ids.keys()].filter((i) => ids[i] === mask.id);
    const written = `${text}${text_pair ?? ''}`.split(mask.token).length - 1;
    const which = texts.length === 1 ? 'The text' : `Text ${row + 1} of ${texts.length}`;
    if (written === 0) {
      throw new LuthierError(
        'usage',
        `${which} has no ${mask.token}, which marks what the model is to fill in.`,
        `Write ${mask.token} in the place of a word.`,
      );
    }
    if (places.length < written) {
      throw new LuthierError(
        'usage',
        `${which} is longer than ${counted(maxLength, 'token')}, and ${mask.token} stands in the part that is cut.`,
        `Shorten it, or move ${mask.token} towards its beginning.`,
      );
    }
    return places.map((read) => ({ ids, typeIds, read, row }));
  });
}

/**
 * The likeliest tokens for each mask, as transformers' fill-mask pipeline gives them: a list of several masks' lists.
 * @throws LuthierError `model-invalid` for logits that are not finite
 */
function decode({
  texts,
  items,
  logits,
  model,
  tokenizer,
}: Parameters<Answering<MaskPrediction>['decode']>[0]): MaskPrediction[] {
  const width = items.length === 0 ? 0 : logits.length / items.length;
  const fills: MaskFill[][][] = texts.map(() => []);
  const masks = texts.map(() => 0);
  for (const item of items as readonly MaskedItem[]) masks[item.row]!++;
  for (const [i, { ids, read, row }] of (items as readonly MaskedItem[]).entries()) {
    const own = logits.subarray(i * width, (i + 1) * width);
    const probabilities = softmax(own);
    if (!Number.isFinite(probabilities[0]!)) throw notFinite(model, row, texts.length);
    const best = likeliest(own, TOLD).map((token): MaskFill => {
      const filled = ids.slice();
      filled[read] = token;
      return {
        score: probabilities[token]!,
        token,
        token_str: tokenizer.decode([token], { skipSpecialTokens: false }),
        // With other masks beside it they stay visible, and so do the other special tokens.
        sequence: tokenizer.decode(filled, { skipSpecialTokens: masks[row] === 1 }),
      };
    });
    fills[row]!.push(best);
  }
  return texts.map((text, row) => ({
    ...(typeof text === 'string' ? { text } : text),
    predictions: fills[row]!.length === 1 ? fills[row]![0]! : fills[row]!,
  }));
}

/** Indices of the n largest values, largest first. */
function likeliest(values: Float32Array, n: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === n && values[i]! <= values[best[n - 1]!]!) continue;
    const at = best.findIndex((other) => values[i]! > values[other]!);
    best.splice(at < 0 ? best.length : at, 0, i);
    if (best.length > n) best.pop();
  }
  return best;
}

/** The head of a masked-language model, which answers at masks. Training it comes later. */
export const fillMask: Answering<MaskPrediction> = {
  name: 'fill-mask',
  reads: 'named',
  prepare: maskedItems,
  decode,
  show: (answer) => ({
    said: maskFills(answer)
      .map((fills) => fills.map(({ token_str, score }) => `${token_str.trim()} ${formatPercent(score)}`).join(', '))
      .join(' | '),
    of: answer.text,
  }),
};
