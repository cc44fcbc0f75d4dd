import { LuthierError } from '../../protocol/index.ts';
import { type Architecture, describe, type HeadKind } from './architecture.ts';
import { type Config, shown } from './config.ts';
import { bert } from './families/bert.ts';
import { distilbert } from './families/distilbert.ts';
import { gpt2 } from './families/gpt2.ts';
import { llama, mistral, qwen2, qwen3 } from './families/llama.ts';
import { roberta, xlmRoberta } from './families/roberta.ts';

/** By model_type. To add a family, write its file and add its line. */
const FAMILIES: Readonly<Record<string, (config: Config, file: string, task?: HeadKind) => Architecture>> = {
  bert: (...given) => describe(bert, ...given),
  distilbert: (...given) => describe(distilbert, ...given),
  gpt2: (...given) => describe(gpt2, ...given),
  llama: (...given) => describe(llama, ...given),
  mistral: (...given) => describe(mistral, ...given),
  qwen2: (...given) => describe(qwen2, ...given),
  qwen3: (...given) => describe(qwen3, ...given),
  roberta: (...given) => describe(roberta, ...given),
  'xlm-roberta': (...given) => describe(xlmRoberta, ...given),
};

/**
 * The model that a config.json describes, with the head that a task needs: a text classifier's where none is named.
 * @throws LuthierError `model-unsupported` naming the supported types, `model-invalid` naming the key at fault
 */
export function architectureOf(config: Config, file: string, task?: HeadKind): Architecture {
  const type = config.model_type;
  // Own keys alone: "constructor" and "__proto__" are no families.
  const family = typeof type === 'string' && Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (!family) {
    throw new LuthierError(
      'model-unsupported',
      `${file}: model_type ${type === undefined ? 'is missing' : `${shown(type)} is not supported`}.`,
      `Supported: ${Object.keys(FAMILIES).join(', ')}. "starters/bert" and "starters/decoder" are always available.`,
    );
  }
  return family(config, file, task);
}

/** For download: refuses a model by its config.json before its weights come. */
export const requireSupported = (config: Config, name: string): void =>
  void architectureOf(config, `${name}/config.json`);

/** Width of a folder's model. Throws as architectureOf. */
export const hiddenSizeOf = ({ path, config }: { readonly path: string; readonly config: Config }): number =>
  architectureOf(config, `${path}/config.json`).hiddenSize;
