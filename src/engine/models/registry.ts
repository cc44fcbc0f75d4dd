import { LuthierError } from '../../protocol/index.ts';
import { type Architecture, describe, type HeadKind } from './architecture.ts';
import { type Config, shown } from './config.ts';
import { bert } from './families/bert.ts';
import { distilbert } from './families/distilbert.ts';
import { gpt2 } from './families/gpt2.ts';
import { llama, mistral, qwen2, qwen3 } from './families/llama.ts';
import { roberta, xlmRoberta } from './families/roberta.ts';
import type { Family } from './family.ts';

/** What is asked of a family, whatever its configuration is. */
interface Entry {
  isCausal: boolean;
  describe(config: Config, file: string, task?: HeadKind): Architecture;
}

const entry = <C>(family: Family<C>): Entry => ({
  isCausal: family.isCausal ?? false,
  describe: (...given) => describe(family, ...given),
});

/** By model_type. To add a family, write its file and add its line. */
const FAMILIES: Readonly<Record<string, Entry>> = {
  bert: entry(bert),
  distilbert: entry(distilbert),
  gpt2: entry(gpt2),
  llama: entry(llama),
  mistral: entry(mistral),
  qwen2: entry(qwen2),
  qwen3: entry(qwen3),
  roberta: entry(roberta),
  'xlm-roberta': entry(xlmRoberta),
};

/** Own keys alone: "constructor" and "__proto__" are no families. */
const familyOf = ({ model_type: type }: Config): Entry | undefined =>
  typeof type === 'string' && Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;

/** Whether a config.json is of a family whose models write. */
export const isDecoder = (config: Config): boolean => familyOf(config)?.isCausal ?? false;

/**
 * The model that a config.json describes, with the head that a task needs: a text classifier's where none is named.
 * @throws LuthierError `model-unsupported` naming the supported types, `model-invalid` naming the key at fault
 */
export function architectureOf(config: Config, file: string, task?: HeadKind): Architecture {
  const family = familyOf(config);
  if (!family) {
    const type = config.model_type;
    throw new LuthierError(
      'model-unsupported',
      `${file}: model_type ${type === undefined ? 'is missing' : `${shown(type)} is not supported`}.`,
      `Supported: ${Object.keys(FAMILIES).join(', ')}. "starters/bert" and "starters/decoder" are always available.`,
    );
  }
  return family.describe(config, file, task);
}

/** For download: refuses a model by its config.json before its weights come. */
export const requireSupported = (config: Config, name: string): void =>
  void architectureOf(config, `${name}/config.json`);

/** Width of a folder's model. Throws as architectureOf. */
export const hiddenSizeOf = ({ path, config }: { readonly path: string; readonly config: Config }): number =>
  architectureOf(config, `${path}/config.json`).hiddenSize;
