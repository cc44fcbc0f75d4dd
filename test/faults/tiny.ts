import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../src/engine/data/random.ts';
import { saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';

const GOOD = ['lovely', 'great', 'fine', 'happy', 'useful', 'quick', 'kind', 'bright'];
const BAD = ['awful', 'broken', 'slow', 'rude', 'dirty', 'late', 'wrong', 'dull'];
const NEUTRAL = ['the', 'a', 'shop', 'parcel', 'screen', 'room', 'was', 'is', 'and', 'very', 'today', 'my', 'we', 'it'];
const WORDS = [...GOOD, ...BAD, ...NEUTRAL];
export const TINY_VOCAB = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...WORDS];

const HIDDEN = 32;
const LAYERS = 2;
const INTERMEDIATE = 64;
const POSITIONS = 32;

/** A BERT of random weights that takes milliseconds a step, with dropout, so that its masks matter. */
export async function makeTinyBert(folder: string, layers = LAYERS): Promise<void> {
  const random = new Random(7);
  const config = {
    architectures: ['BertModel'],
    model_type: 'bert',
    vocab_size: TINY_VOCAB.length,
    hidden_size: HIDDEN,
    num_hidden_layers: layers,
    num_attention_heads: 2,
    intermediate_size: INTERMEDIATE,
    max_position_embeddings: POSITIONS,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    layer_norm_eps: 1e-12,
    initializer_range: 0.02,
  };
  const { parameters } = declarationOf(architectureOf(config, folder));
  const weights = [...parameters.values()].filter(({ name }) => !name.startsWith('classifier'));
  await mkdir(folder, { recursive: true });
  await saveModelFolder(folder, {
    config,
    tensors: weights.map(({ name, shape, init }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const centre = init === 'ones' ? 1 : 0;
      const data = Float32Array.from({ length: size }, () => centre + 0.1 * (random.float() - 0.5));
      return { name, shape, dtype: 'F32', data };
    }),
  });
  await writeFile(join(folder, 'vocab.txt'), `${TINY_VOCAB.join('\n')}\n`);
}

/** Two classes that a few words tell apart. */
export function tinyRows(count: number, seed = 1): string {
  const random = new Random(seed);
  const pick = (words: string[]) => words[random.below(words.length)]!;
  const lines = ['text,label'];
  for (let i = 0; i < count; i++) {
    const good = i % 2 === 0;
    const length = 2 + random.below(8);
    const words = Array.from({ length }, () => pick(NEUTRAL));
    words.splice(random.below(length), 0, pick(good ? GOOD : BAD), pick(good ? GOOD : BAD));
    lines.push(`${words.join(' ')} ${i},${good ? 'good' : 'bad'}`);
  }
  return `${lines.join('\n')}\n`;
}

export interface TinyRecipe {
  [key: string]: unknown;
}

/** A folder with model, rows and recipe; about 27 steps an epoch. */
export async function makeWorkplace(folder: string, recipe: TinyRecipe = {}): Promise<string> {
  await makeTinyBert(join(folder, 'tiny'));
  await writeFile(join(folder, 'rows.csv'), tinyRows(240));
  const file = join(folder, 'tiny.recipe.json');
  await writeRecipe(file, recipe);
  return file;
}

export async function writeRecipe(file: string, recipe: TinyRecipe): Promise<void> {
  const whole = {
    model: 'tiny',
    dataset: 'rows.csv',
    learning_rate: 4e-3,
    num_train_epochs: 8,
    per_device_train_batch_size: 8,
    max_length: 16,
    save_steps: 15,
    ...recipe,
  };
  await writeFile(file, JSON.stringify(whole, null, 2));
}
