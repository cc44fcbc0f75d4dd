/** Whole inputs that the mutations start from, small ones of each kind. */

const rows = Array.from(
  { length: 12 },
  (_, i) => [`the shop was ${i % 2 ? 'great' : 'awful'}, visit ${i}`, i % 2 ? 'good' : 'bad'] as const,
);

export const TABLES: readonly Buffer[] = [
  `text,label\n${rows.map(([text, label]) => `"${text}",${label}`).join('\n')}\n`,
  `text;label;note\r\n${rows.map(([text, label]) => `"say ""${text}""";${label};`).join('\r\n')}\r\n`,
  `text\tlabel\n${rows.map((row) => row.join('\t')).join('\n')}`,
  JSON.stringify(rows.map(([text, label]) => ({ text, label }))),
  rows.map(([text, label]) => JSON.stringify({ text, label, more: [1, { a: null }] })).join('\n'),
  `| text | label |\n|---|---|\n${rows.map(([text, label]) => `| ${text} | ${label} |`).join('\n')}\n`,
  rows.map(([text, label]) => `${label} ${text}`).join('\n'),
  rows.map(([text, label]) => `__label__${label} ${text}`).join('\n'),
]
  .map((text) => Buffer.from(text))
  .concat(Buffer.from(`\uFEFFtext,label\n${rows.map((row) => row.join(',')).join('\n')}`, 'utf16le'));

export const CONFIG = {
  architectures: ['BertForSequenceClassification'],
  model_type: 'bert',
  vocab_size: 30,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 64,
  max_position_embeddings: 32,
  type_vocab_size: 2,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  layer_norm_eps: 1e-12,
  initializer_range: 0.02,
  id2label: { 0: 'a', 1: 'b' },
  label2id: { a: 0, b: 1 },
  pad_token_id: 0,
};

const VOCAB = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  'the',
  'shop',
  'was',
  'great',
  '##s',
  'a',
  '##b',
  ',',
  '.',
];

const TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: VOCAB.slice(0, 5).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
      { Sequence: { id: 'B', type_id: 1 } },
      { SpecialToken: { id: '[SEP]', type_id: 1 } },
    ],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(VOCAB.map((piece, id) => [piece, id])),
  },
};

const BPE = {
  ...TOKENIZER,
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: ' +' }, content: ' ' }],
  },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    unk_token: null,
    vocab: Object.fromEntries([...VOCAB.slice(0, 5), 't', 'h', 'e', 'th', 'the', 'Ġ'].map((piece, id) => [piece, id])),
    merges: ['t h', 'th e'],
  },
};

const TOKENIZER_CONFIG = {
  tokenizer_class: 'BertTokenizer',
  do_lower_case: true,
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  model_max_length: 32,
};

/** A tokenizer's folder, and which of its files is mutated. */
const ROBERTA_VOCAB = Object.fromEntries(
  ['<s>', '<pad>', '</s>', '<unk>', 't', 'h', 'e', 'th', 'the', 'Ġ'].map((piece, id) => [piece, id]),
);
const MERGES = '#version: 0.2\nt h\nth e\n';

const UNIGRAM = {
  added_tokens: [{ id: 0, content: '<unk>', special: true }],
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'NFKC' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
  },
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
  },
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  model: {
    type: 'Unigram',
    unk_id: 0,
    vocab: [
      ['<unk>', 0],
      ['</s>', 0],
      ['▁', -1],
      ['▁the', -2],
      ['a', -3],
      ['shop', -4],
    ],
  },
};

export const TOKENIZERS: readonly { files: Record<string, string | object>; changed: string }[] = [
  { files: { 'tokenizer.json': TOKENIZER, 'tokenizer_config.json': TOKENIZER_CONFIG }, changed: 'tokenizer.json' },
  {
    files: { 'tokenizer.json': TOKENIZER, 'tokenizer_config.json': TOKENIZER_CONFIG },
    changed: 'tokenizer_config.json',
  },
  { files: { 'tokenizer.json': BPE }, changed: 'tokenizer.json' },
  { files: { 'tokenizer.json': UNIGRAM }, changed: 'tokenizer.json' },
  { files: { 'vocab.json': ROBERTA_VOCAB, 'merges.txt': MERGES }, changed: 'vocab.json' },
  { files: { 'vocab.json': ROBERTA_VOCAB, 'merges.txt': MERGES }, changed: 'merges.txt' },
  { files: { 'vocab.txt': `${VOCAB.join('\n')}\n`, 'tokenizer_config.json': TOKENIZER_CONFIG }, changed: 'vocab.txt' },
];

export const RECIPE = {
  task: 'text-classification',
  model: 'starters/bert',
  dataset: { train: 'rows.csv', validation: 'v.csv' },
  columns: { text: 'text', label: 'label' },
  strategy: { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] },
  learning_rate: 2e-5,
  num_train_epochs: 3,
  per_device_train_batch_size: 16,
  warmup_steps: 0.06,
  max_length: 128,
  seed: 42,
};

export const RECORD = {
  format: 1,
  id: 'r',
  name: 'a name',
  note: 'a note',
  state: 'done',
  recipe: { ...RECIPE, metric_for_best_model: 'accuracy' },
  recipe_path: '/x/r.recipe.json',
  created_at: '2026-01-01T00:00:00.000Z',
  started_at: '2026-01-01T00:00:01.000Z',
  finished_at: '2026-01-01T00:03:00.000Z',
  step: 30,
  total_steps: 30,
  labels: ['a', 'b'],
  best: { step: 30, metrics: { accuracy: 0.9, f1_macro: 0.8, loss: 0.3 } },
  model: 'model',
  error: null,
  environment: { luthier: '0.1.0', node: 'v20', cpu: 'x', platform: 'linux', executor: 'onnxruntime', num_threads: 2 },
};

const step = (n: number) => ({
  event: 'step',
  time: n,
  step: n,
  epoch: n / 10,
  loss: 1 / n,
  learning_rate: 1e-3,
  grad_norm: 1,
  tokens_per_second: 100,
  step_ms: 10,
  rss_bytes: 1e8,
  eta_s: 10,
});

export const METRICS = Buffer.from(
  `${[
    { event: 'state', time: 0, state: 'starting' },
    ...Array.from({ length: 20 }, (_, i) => step(i + 1)),
    { event: 'note', time: 1, level: 'info', message: 'x' },
  ]
    .map((event) => JSON.stringify(event))
    .join('\n')}\n`,
);

const report = {
  split: 'validation',
  n: 4,
  labels: ['a', 'b'],
  metrics: { loss: 0.3, accuracy: 0.75, f1_macro: 0.7, f1_weighted: 0.7, mcc: 0.5, ece: 0.1 },
  intervals: { accuracy: { low: 0.3, high: 0.95 }, f1_macro: null },
  majority: { label: 'a', accuracy: 0.5, f1_macro: 0.33 },
  per_class: ['a', 'b'].map((label) => ({ label, precision: 0.7, recall: null, f1: 0.7, support: 2 })),
  confusion: [
    [2, 0],
    [1, 1],
  ],
  worst: [{ line: 3, file: '/x/rows.csv', text: 'a text', label: 'b', predicted: 'a', score: 0.8, loss: 1.6 }],
};

export const EVALUATION = { validation: report, test: { ...report, split: 'test' } };

/** A file of two tensors, as Hugging Face writes it. */
export function safetensors(): Buffer {
  const header = JSON.stringify({
    __metadata__: { format: 'pt' },
    'bert.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
    'bert.bias': { dtype: 'F16', shape: [4], data_offsets: [24, 32] },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(32, 1)]);
}

/** Prompt templates of both generations, with files, a verbalizer, examples, loops, blocks and roles that are made. */
export const PROMPTS: readonly Buffer[] = [
  `---
name: Ticket
model:
  api: chat
  configuration: { type: local, name: starters/decoder }
  parameters: { max_tokens: 60, temperature: 0.7, stop: ["###"] }
inputs:
  text: { type: string, sample: "Where is it?" }
  tone: { type: string, default: friendly }
  list: { type: array, default: [1, 2, 3] }
sample: { text: "\${file:rows.txt}" }
luthier:
  dataset: rows.csv
  columns: { text: message }
  examples: { count: 2, seed: 1 }
  verbalizer: { good: [great, fine], bad: bad }
---
system:
Answer in a {{ tone }} way. {# nothing #}
{% for e in examples %}
user:
{{ e.text | truncate(10) }}
assistant:
{{ e["label"] | upper }}
{% endfor %}
user:
{% if list | length > 2 and text is defined %}{{ text | default("x") | replace("a", "b") }}{% else %}none{% endif %}
{% set total = namespace(n=0) %}{% for i in range(5) %}{% set total.n = total.n + i * 2 ** i %}{% endfor %}{{ total.n }}
assistant:
{{ label }}
`,
  `---
name: two
model: { id: m, apiType: completion, options: { maxOutputTokens: 8, topP: 0.9 } }
inputs:
  - name: question
    kind: string
    default: "\${env:HOME:none}"
  - { name: thread, kind: thread }
template: { format: { kind: jinja2 }, parser: { kind: prompty } }
---
{% macro item(a, b=2) %}{{ a ~ "-" ~ b }}{% endmacro %}{{ item(question) }}{% raw %}{{ no }}{% endraw %}
\${file:rows.txt}
{% filter upper %}{{ question[1:-1] if question else none }}{% endfilter %}{{- {"a": [1, (2, 3)], "b": 1.5} | tojson -}}
{% call(x) item(1) %}{{ x }}{% endcall %}
`,
  '---\r\ninputs:\r\n  消息: {type: string}\r\n---\r\n# User:\r\n请{{ 消息 }}\r\n{{ role }}:\r\nÄ😀\r\n',
  'system:\nno front matter {{ a.b.c }} {% if a %}{% elif b %}{% endif %}\nuser[name="Ann"]:\nhi\n',
].map((text) => Buffer.from(text));
