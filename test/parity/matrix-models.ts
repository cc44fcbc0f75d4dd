import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../src/engine/data/random.ts';
import { saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TINY_VOCAB } from '../faults/tiny.ts';
import { writeSmallDecoder } from '../small-decoder.ts';
import { weight } from './values.ts';

const WIDTH = 16;
const bert = {
  ...{ hidden_size: WIDTH, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 2 * WIDTH },
  ...{ max_position_embeddings: 40, type_vocab_size: 2, hidden_act: 'gelu', layer_norm_eps: 1e-12 },
  ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
};
const llama = {
  ...{ hidden_size: WIDTH, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 2 * WIDTH },
  ...{ num_key_value_heads: 1, head_dim: WIDTH / 2, max_position_embeddings: 64, hidden_act: 'silu' },
  ...{ rms_norm_eps: 1e-6, classifier_dropout: 0 },
};

/** A model of each family, of two layers and without dropout. */
export const ENCODERS: Readonly<Record<string, Record<string, unknown>>> = {
  bert: { ...bert, architectures: ['BertModel'] },
  roberta: { ...bert, architectures: ['RobertaModel'], type_vocab_size: 1, pad_token_id: 0 },
  'xlm-roberta': { ...bert, architectures: ['XLMRobertaModel'], type_vocab_size: 1, pad_token_id: 0 },
  distilbert: {
    ...{ architectures: ['DistilBertModel'], dim: WIDTH, n_layers: 2, n_heads: 2, hidden_dim: 2 * WIDTH },
    ...{ max_position_embeddings: 40, dropout: 0, attention_dropout: 0, seq_classif_dropout: 0 },
  },
};
export const DECODERS: Readonly<Record<string, Record<string, unknown>>> = {
  gpt2: {
    ...{ architectures: ['GPT2LMHeadModel'], n_embd: WIDTH, n_layer: 2, n_head: 2, n_positions: 64 },
    ...{ resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0, classifier_dropout: 0 },
  },
  llama: { ...llama, architectures: ['LlamaForCausalLM'], tie_word_embeddings: false },
  mistral: { ...llama, architectures: ['MistralForCausalLM'] },
  qwen2: { ...llama, architectures: ['Qwen2ForCausalLM'] },
  qwen3: { ...llama, architectures: ['Qwen3ForCausalLM'] },
};

const MIDDLE_TOKENS = ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'];
/** A dialogue is its messages, each behind its role. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + eos_token }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";

/** Folders of these models, each called by its family. */
export async function writeModels(folder: string): Promise<void> {
  for (const [model_type, own] of Object.entries(ENCODERS))
    await writeEncoder(join(folder, model_type), { model_type, ...own });
  for (const [model_type, own] of Object.entries(DECODERS)) {
    await writeSmallDecoder(
      join(folder, model_type),
      { model_type, ...own },
      { others: MIDDLE_TOKENS, tokenizerConfig: { chat_template: CHAT_TEMPLATE } },
    );
  }
}

/** An encoder of random weights. @param own its config */
export async function writeEncoder(folder: string, own: Record<string, unknown>): Promise<void> {
  const config = { vocab_size: TINY_VOCAB.length, ...own };
  const { parameters } = declarationOf(architectureOf(config, 'config.json'));
  const kept = [...parameters.values()].filter(({ place }) => place !== 'head');
  await mkdir(folder, { recursive: true });
  await saveModelFolder(folder, {
    config,
    tensors: kept.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return { name, shape, dtype: 'F32' as const, data: weight(name, size, 0.2) };
    }),
  });
  await writeFile(join(folder, 'vocab.txt'), `${TINY_VOCAB.join('\n')}\n`);
}

const WORDS = TINY_VOCAB.slice(5);
const KINDS = ['good', 'bad', 'both'];

/** Files of rows for each task. Every text has three to six words. */
export async function writeRows(folder: string, count: number): Promise<void> {
  const random = new Random(3);
  const text = () => Array.from({ length: 3 + random.below(4) }, () => WORDS[random.below(WORDS.length)]!).join(' ');
  const rows = Array.from({ length: count }, (_, i) => ({ text: `${text()} ${i}`, kind: i % KINDS.length }));
  const table = (head: string, line: (row: (typeof rows)[number]) => string) =>
    `${[head, ...rows.map(line)].join('\n')}\n`;
  const json = (line: (row: (typeof rows)[number]) => object) =>
    `${rows.map((r) => JSON.stringify(line(r))).join('\n')}\n`;
  const files = {
    'classes.csv': table('text,label', ({ text, kind }) => `${text},${KINDS[kind]}`),
    'labels.csv': table('text,labels', ({ text, kind }) => `${text},${['good', 'bad', 'good|bad'][kind]}`),
    'values.csv': table('text,value', ({ text, kind }) => `${text},${kind - 0.5}`),
    'pairs.csv': table('text,text_pair,label', ({ text: own, kind }) => `${own},${text()},${KINDS[kind]}`),
    'names.jsonl': json(({ text }) => {
      const tokens = text.split(' ');
      return { tokens, ner_tags: tokens.map((_, i) => (i === 0 ? 'B-PER' : 'O')) };
    }),
    'texts.jsonl': json(({ text }) => ({ text: text.slice(0, 20) })),
    'more.jsonl': json(({ text: own }) => ({ text: `${own.slice(0, 8)} ${text().slice(0, 8)}` })),
    'chat.jsonl': json(({ text }) => ({
      messages: [
        { role: 'user', content: text.slice(0, 12) },
        { role: 'assistant', content: text.slice(0, 8) },
      ],
    })),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}
