/** Each tensor of a BERT with a classification head, under the name that BertForSequenceClassification gives it. */
export function bertNames(numHiddenLayers: number): string[] {
  const linear = (name: string) => [`${name}.weight`, `${name}.bias`];
  const layers = Array.from({ length: numHiddenLayers }, (_, layer) =>
    LAYER_MODULES.flatMap((module) => linear(`bert.encoder.layer.${layer}.${module}`)),
  );
  return [
    ...['word_embeddings', 'position_embeddings', 'token_type_embeddings'].map((it) => `bert.embeddings.${it}.weight`),
    ...linear('bert.embeddings.LayerNorm'),
    ...layers.flat(),
    ...HEAD_NAMES,
  ];
}

const LAYER_MODULES = [
  'attention.self.query',
  'attention.self.key',
  'attention.self.value',
  'attention.output.dense',
  'attention.output.LayerNorm',
  'intermediate.dense',
  'output.dense',
  'output.LayerNorm',
];

/** What follows the encoder. A pretrained model may lack it; it is then initialised anew and learnt. */
export const HEAD_NAMES: readonly string[] = [
  'bert.pooler.dense.weight',
  'bert.pooler.dense.bias',
  'classifier.weight',
  'classifier.bias',
];

export interface BertNameMap {
  /** Name in the file by canonical name, for each tensor that is there. */
  files: Map<string, string>;
  /** Names of the encoder that are not there: the model cannot be used without them. */
  missing: string[];
  /** Names of the pooler and the classifier that are not there. */
  missingHead: string[];
  /** What the file holds beside: another task's head, layers past the configured number. */
  unused: string[];
}

/**
 * Finds BERT's tensors under the names that are in use on the Hugging Face hub: with the `bert.` prefix (models saved
 * with a head) or without (BertModel alone, sentence-transformers), and LayerNorm's weight and bias as `gamma` and
 * `beta` (the first conversions from TensorFlow, bert-base-uncased among them). transformers reads the same ones.
 */
export function mapBertWeights(names: readonly string[], numHiddenLayers: number): BertNameMap {
  const there = new Set(names);
  const files = new Map<string, string>();
  const absent: string[] = [];
  for (const canonical of bertNames(numHiddenLayers)) {
    const found = spellings(canonical).find((name) => there.has(name));
    if (found === undefined) absent.push(canonical);
    else files.set(canonical, found);
  }
  const used = new Set(files.values());
  return {
    files,
    missing: absent.filter((name) => !HEAD_NAMES.includes(name)),
    missingHead: absent.filter((name) => HEAD_NAMES.includes(name)),
    // position_ids is 0, 1, 2… in every model: a buffer of old versions, not a weight.
    unused: names.filter((name) => !used.has(name) && !name.endsWith('embeddings.position_ids')),
  };
}

function spellings(canonical: string): string[] {
  const modern = [canonical, canonical.replace(/^bert\./, '')];
  const old = modern.map((name) =>
    name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
  );
  return [...modern, ...old];
}
