import { type Architecture, declarationOf } from './architecture.ts';

interface NameMap {
  /** Name in the file by canonical name, for each tensor that is there. */
  files: Map<string, string>;
  /** Names of the layers and the embeddings that are not there: the model cannot be used without them. */
  missing: string[];
  /** Names of the head that are not there. A pretrained model may lack it; it is then initialised and learnt. */
  missingHead: string[];
  /** What the file holds beside: another task's head, layers past the configured number. */
  unused: string[];
}

/** A language model's head in every family. */
const HEAD = 'lm_head.weight';

/** What old versions stored beside the weights: positions 0, 1, 2…, masks of ones, the rotary frequencies. */
const BUFFER = /(embeddings\.position_ids|attn\.(masked_)?bias|rotary_emb\.inv_freq)$/;

/**
 * Finds a model's tensors under the names that are in use on the Hugging Face hub: with the family's prefix (models
 * saved with a head) or without (the base model alone, sentence-transformers), and a norm's weight and bias as `gamma`
 * and `beta` (the first conversions from TensorFlow, bert-base-uncased among them). transformers reads the same ones.
 */
export function mapWeights(architecture: Architecture, names: readonly string[]): NameMap {
  const there = new Set(names);
  const map: NameMap = { files: new Map(), missing: [], missingHead: [], unused: [] };
  for (const { name, place, formerly, isAdapter } of declarationOf(architecture).parameters.values()) {
    if (isAdapter) continue;
    const prefix = `${architecture.prefix}.`;
    const modern = name.startsWith(prefix) ? [name, name.slice(prefix.length)] : [name];
    const old = formerly ? modern.map((it) => it.replace(/\w+$/, formerly)) : [];
    const tied = name === `${architecture.tied}.weight` ? [HEAD] : [];
    const found = [...modern, ...old, ...tied].find((it) => there.has(it));
    if (found !== undefined) map.files.set(name, found);
    else (place === 'head' ? map.missingHead : map.missing).push(name);
  }
  const used = new Set(map.files.values());
  const isCopy = (name: string) => architecture.tied !== undefined && name === HEAD;
  map.unused = names.filter((name) => !used.has(name) && !isCopy(name) && !BUFFER.test(name));
  return map;
}
