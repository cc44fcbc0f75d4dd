import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../data/random.ts';
import { declarationOf } from '../../models/architecture.ts';
import { architectureOf } from '../../models/registry.ts';
import { type ModelConfig, saveModelFolder } from '../model-folder.ts';

const WORDS = ['refund', 'the', 'invoice', 'parcel', 'is', 'late', 'good', 'bad', 'a', 'very'];
export const VOCAB = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...WORDS];
const HIDDEN = 8;
const INNER = 16;

export interface BertFolder {
  config?: ModelConfig;
  /** Rows of the classifier; 0 for a model without one. */
  classes?: number;
  /** With the head that fills in masks, instead of a classifier. */
  masked?: boolean;
  pooler?: boolean;
  positions?: number;
  /** Rows of the table of embeddings; default: one for each piece. */
  embeddings?: number;
  vocab?: string;
  tokenizerConfig?: Record<string, unknown>;
  files?: Record<string, string>;
  /** Changes weights before they are written. */
  weights?: (name: string, data: Float32Array) => void;
}

/** Writes a BERT of random weights, 8 wide and one layer high, as a person may come with: whole but for what is asked. */
export async function makeBertFolder(folder: string, options: BertFolder = {}): Promise<string> {
  const {
    classes = 2,
    masked = false,
    pooler = true,
    positions = 16,
    embeddings = VOCAB.length,
    weights = () => {},
  } = options;
  const random = new Random(3);
  const whole: ModelConfig = {
    architectures: [masked ? 'BertForMaskedLM' : 'BertForSequenceClassification'],
    model_type: 'bert',
    vocab_size: embeddings,
    hidden_size: HIDDEN,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: INNER,
    max_position_embeddings: positions,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  };
  const { parameters } = declarationOf(
    architectureOf(whole, folder, masked ? { name: 'fill-mask', reads: 'named' } : undefined),
    masked ? {} : { outputs: Math.max(1, classes) },
  );
  const isThere = (name: string) =>
    name.startsWith('classifier') ? classes > 0 : name.startsWith('bert.pooler') ? pooler : true;
  const tensors = [...parameters.values()].flatMap(({ name, shape, init }) => {
    if (!isThere(name)) return [];
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = (init === 'ones' ? 1 : 0) + random.float() - 0.5;
    weights(name, data);
    return { name, shape, dtype: 'F32' as const, data };
  });
  await mkdir(folder, { recursive: true });
  await saveModelFolder(folder, { config: { ...whole, ...options.config }, tensors });
  const files: Record<string, string> = {
    'vocab.txt': options.vocab ?? `${VOCAB.join('\n')}\n`,
    'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'BertTokenizer', ...options.tokenizerConfig }),
    ...options.files,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}
