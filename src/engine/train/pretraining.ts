import { basename } from 'node:path';
import { counted, LuthierError, type Recipe } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import type { TaskRow } from '../data/types.ts';
import { countSteps } from '../recipes/schedule.ts';
import { pretrainingOf } from '../strategies/index.ts';
import type { PhaseStart } from '../strategies/phase-starts.ts';
import { continuationLoss } from '../tasks/continuation-loss.ts';
import type { LabelledItem } from '../tasks/task.ts';
import { encodeWith } from '../tasks/text-classification/task.ts';
import { textGeneration } from '../tasks/text-generation/task.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Lessons } from './lessons.ts';
import { leftOut, readUnlabelled, type UnlabelledOptions } from './unlabelled.ts';

/** Streams of the seed that nothing else draws from. */
const OTHERS = 2 ** 42;
const ORDER = 2 ** 43;

/** What a prompt is pre-trained on, before the rows are learnt. */
export interface Pretraining {
  lessons: Lessons;
  steps: { perEpoch: number; total: number };
  /** Texts that are learnt from. */
  rows: number;
  /** Texts that are not, being held out for validation or test. */
  held_out: number;
}

interface PretrainingOptions extends Omit<UnlabelledOptions, 'recipe'> {
  recipe: Recipe;
  tokenizer: Tokenizer;
  maxLength: number;
}

interface Pair extends TaskRow {
  text: string;
  text_pair: string;
  goesOn: number;
}

/**
 * The texts without labels that a recipe's strategy begins with, as lessons (PPT, Gu et al. 2022); null where it begins with
 * none. A classifier learns whether the second of two texts goes on from the first, which is the paper's task for pairs of
 * sentences (next sentence prediction): the two are halves of one text, or the two texts of a row, and in every other pair
 * the second is another row's. For single sentences the paper takes labels that another classifier has given, trained on
 * a large corpus of the same kind; here there is none. A model that writes learns to continue the texts.
 * @throws LuthierError as readUnlabelled; `data-invalid` for too few texts; `recipe-invalid` where the task learns neither
 */
export async function pretrainingIn(options: PretrainingOptions): Promise<Pretraining | null> {
  const { task, recipe, tokenizer, maxLength } = options;
  const keys = pretrainingOf(recipe.strategy);
  if (!keys) return null;
  const name = basename(keys.dataset);
  const found = await readUnlabelled(keys.dataset, options);
  const writes = task.measures === 'losses';
  const made = writes
    ? passageItems(found.rows, tokenizer, maxLength, recipe)
    : pairItems(found.rows, tokenizer, maxLength, recipe.seed);
  const { items, rows } = made;
  const batch = recipe.per_device_train_batch_size;
  const isAlone = !writes && rows < 2;
  if (isAlone || items.length < batch) {
    const why = isAlone
      ? 'what does not go on from a text is taken from another'
      : `a step takes ${counted(batch, 'item')} (per_device_train_batch_size), and there ${items.length === 1 ? 'is' : 'are'} ${items.length}`;
    const smaller = isAlone || items.length === 0 ? '' : `, set per_device_train_batch_size to ${items.length} or less`;
    throw new LuthierError(
      'data-invalid',
      `${name} has ${counted(rows, 'text')} for pre-training${leftOut({ ...found, single: made.single })}, which ${rows === 1 ? 'is' : 'are'} too few: ${why}.`,
      `Add texts${smaller}, or set strategy.prompt_tuning_init to "RANDOM".`,
    );
  }
  const own: Recipe = { ...recipe, num_train_epochs: keys.epochs, max_steps: -1 };
  const steps = countSteps(own, items.length);
  const what = writes
    ? 'to continue them'
    : 'whether the second half of a text goes on from its first: of each text once its own, once another’s';
  return {
    lessons: {
      ...{
        items,
        rows: items,
        recipe: own,
        isPaired: false,
        loss: writes ? textGeneration.loss({ recipe, labels: [], items }) : continuationLoss(),
      },
      order: (epoch) =>
        new Random(recipe.seed, ORDER + epoch).shuffle(Uint32Array.from({ length: items.length }, (_, i) => i)),
      note: `Pre-training: the prompt first learns from ${counted(rows, 'text')} of ${name} without labels${leftOut({ ...found, single: made.single })} ${what}, for ${counted(steps.total, 'step')}${writes ? '' : '; the classifier that it learns with is thrown away'}.`,
    },
    steps,
    rows,
    held_out: found.held_out,
  };
}

/** Where the two parts of such a run begin, for people. */
export const pretrainingStarts = (
  { steps, rows }: Pick<Pretraining, 'steps' | 'rows'>,
  hasClassifier: boolean,
): PhaseStart[] => [
  { step: 0, message: `the prompt is pre-trained on ${counted(rows, 'text')} without labels.` },
  {
    step: steps.total,
    message: `the pre-trained prompt ${hasClassifier ? 'and a new classifier learn' : 'learns'} from the training rows.`,
  },
];

interface Made {
  items: LabelledItem[];
  /** Texts that they are of. */
  rows: number;
  /** Texts that cannot be divided. */
  single: number;
}

/** Of each text two items: with its own second part, and with another's. */
function pairItems(texts: readonly TaskRow[], tokenizer: Tokenizer, maxLength: number, seed: number): Made {
  const own = texts.flatMap((row) => {
    const { text, text_pair } = row as Pair;
    const parts = text_pair === undefined ? halves(text) : ([text, text_pair] as const);
    return parts ? [{ ...row, text: parts[0], text_pair: parts[1], goesOn: 1 }] : [];
  });
  // A circle of all: no text is its own neighbour, unless it is alone.
  const circle = new Random(seed, OTHERS).shuffle(Uint32Array.from({ length: own.length }, (_, i) => i));
  const others = new Array<Pair>(own.length);
  for (const [i, at] of circle.entries()) {
    const next = own[circle[(i + 1) % circle.length]!]!;
    others[at] = { ...own[at]!, text_pair: next.text_pair, goesOn: 0 };
  }
  const pairs: Pair[] = own.length < 2 ? own : own.flatMap((pair, i) => [pair, others[i]!]);
  const { items } = encodeWith<Pair>(({ goesOn }) => Float32Array.of(goesOn))(pairs, tokenizer, maxLength);
  return { items, rows: own.length, single: texts.length - own.length };
}

/** Characters around the middle of a text in which the word is looked for that its second half begins with. */
const NEAR = 64;
const WORDS = new Intl.Segmenter('und', { granularity: 'word' });

/** A text in two at the beginning of the word that is nearest to its middle; undefined for a single word. */
export function halves(text: string): readonly [string, string] | undefined {
  const middle = text.length / 2;
  const from = Math.max(0, Math.floor(middle) - NEAR);
  const starts = [...WORDS.segment(text.slice(from, Math.ceil(middle) + NEAR))]
    .filter(({ isWordLike, index }) => isWordLike && text.slice(0, from + index).trim() !== '')
    // What the window begins with may be the rest of a word.
    .filter(({ index }) => index > 0)
    .map(({ index }) => from + index);
  if (starts.length === 0) return undefined;
  const at = starts.reduce((a, b) => (Math.abs(b - middle) < Math.abs(a - middle) ? b : a));
  return [text.slice(0, at).trimEnd(), text.slice(at)];
}

function passageItems(rows: readonly TaskRow[], tokenizer: Tokenizer, maxLength: number, recipe: Recipe): Made {
  const passages = rows as Parameters<typeof textGeneration.encode>[0];
  const { items } = textGeneration.encode(passages, tokenizer, maxLength, recipe);
  return { items, rows: rows.length, single: 0 };
}
