import { basename, join } from 'node:path';
import { exists } from '../../files/folders.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import { LuthierError, type Note, type Pooling } from '../../protocol/index.ts';
import { listed } from '../data/problems.ts';
import { isRecord, readJsonRecord } from '../hub/json-file.ts';
import { MODULES_FILE, type ModelFolder } from '../hub/model-folder.ts';

/** Modules that change nothing for a classifier: the model itself, and one that makes a vector's length 1, as the norm behind the pooling does. */
const PLAIN_MODULES = ['Transformer', 'Normalize', 'Dropout'];

const MOST_BYTES = 1 << 20;

/** How sentence-transformers calls its ways of pooling, and what they are here. */
const MODES: Readonly<Record<string, Pooling>> = {
  mean: 'mean',
  mean_tokens: 'mean',
  // The same but for the length of the vector, which a norm takes away again.
  mean_sqrt_len: 'mean',
  mean_sqrt_len_tokens: 'mean',
  cls: 'cls',
  cls_token: 'cls',
};

export interface SentencePooling {
  /** Undefined where the folder is none of sentence-transformers', or pools in a way that is not one of ours. */
  pooling: Pooling | undefined;
  /** The file that says so. */
  file: string;
}

/**
 * How sentence-transformers pools a model's tokens, by the modules.json and the folder of its Pooling module; what of it
 * cannot be followed is said. Files at fault are said and passed over: the model is whole without them.
 */
export async function sentencePooling({ path, files }: Pick<ModelFolder, 'path' | 'files'>, note: Note) {
  const none: SentencePooling = { pooling: undefined, file: MODULES_FILE };
  if (!files.includes(MODULES_FILE)) return none;
  try {
    const modules = await readModules(join(path, MODULES_FILE));
    const others = modules.filter(({ type }) => type !== 'Pooling' && !PLAIN_MODULES.includes(type));
    if (others.length > 0)
      note(
        'warning',
        `${MODULES_FILE} of the model names ${listed(others.map(({ type, path }) => `${type} (${path || 'no folder'})`))}, which Luthier does not compute: texts are read without it, not quite as sentence-transformers embeds them.`,
      );
    const pooling = modules.find(({ type }) => type === 'Pooling');
    if (!pooling) return none;
    // A plain name alone: nothing is read from outside the model's folder.
    if (!/^[\w-][\w.-]*$/.test(pooling.path))
      throw invalid(`the Pooling module’s path is ${JSON.stringify(pooling.path)}`);
    const file = join(path, pooling.path, 'config.json');
    // Without a file of its own, a Pooling module takes the mean.
    const modes = (await exists(file)) ? modesOf(await readJsonRecord(file)) : ['mean'];
    const known = modes.flatMap((mode) => (Object.hasOwn(MODES, mode) ? [MODES[mode]!] : []));
    if (modes.length !== 1 || known.length !== 1)
      note(
        'warning',
        `${pooling.path}/config.json of the model pools by ${listed(modes.length === 0 ? ['nothing'] : modes)}, which Luthier does not compute${known[0] ? `: ${known[0]} alone is used` : ''}.`,
      );
    return { pooling: known[0], file: `${basename(pooling.path)}/config.json` };
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    note('warning', `${error.message} How sentence-transformers reads the model’s texts is not known.`);
    return none;
  }
}

const invalid = (what: string): LuthierError => new LuthierError('model-invalid', `${MODULES_FILE}: ${what}.`);

/** A module's type without the package that it comes from, which has changed over time, and its folder. */
async function readModules(file: string): Promise<{ type: string; path: string }[]> {
  let value: unknown;
  try {
    value = JSON.parse((await readRegularFile(file, MOST_BYTES)).toString('utf8'));
  } catch (error) {
    throw invalid(`cannot be read (${error instanceof Error ? error.message : error})`);
  }
  if (!Array.isArray(value)) throw invalid('it is not a list');
  return value.map((module: unknown) => {
    if (!isRecord(module) || typeof module.type !== 'string') throw invalid('an entry has no type');
    const type = module.type
      .slice(module.type.lastIndexOf('.') + 1)
      .replace(/[^\w-]/g, '')
      .slice(0, 60);
    return { type, path: typeof module.path === 'string' ? module.path.slice(0, 200) : '' };
  });
}

/** In new files `pooling_mode` is a name or several; in older ones each has a flag of its own. */
function modesOf(config: Readonly<Record<string, unknown>>): string[] {
  const { pooling_mode } = config;
  const names = typeof pooling_mode === 'string' ? [pooling_mode] : Array.isArray(pooling_mode) ? pooling_mode : [];
  const flags = Object.keys(config).flatMap((key) => {
    const mode = /^pooling_mode_(\w+)$/.exec(key)?.[1];
    return mode !== undefined && config[key] === true ? [mode] : [];
  });
  return [...names.map(String), ...flags].map((name) => name.replace(/[^\w-]/g, '').slice(0, 60));
}
