import { basename, dirname, join } from 'node:path';
import { readJson } from '../../files/json.ts';
import type { TryoutModel } from '../../protocol/index.ts';
import type { Run } from '../runs/run.ts';

/** The model that a run started from, as something to compare with; `note` says why there is none. */
export type BaseModel = { path: string; model: TryoutModel; note: null } | { path: null; model: null; note: string };

/**
 * Looks at the base model's config.json: only a trained classifier with labels of its own can be compared.
 * @param extension the extension's folder, where starters are
 */
export async function findBaseModel(run: Run, extension: string): Promise<BaseModel> {
  const name = run.record.recipe.model;
  if (!name) return none('The run does not name its base model.');
  // Starters come with the extension.
  const isStarter = /^starters[\\/]/.test(name);
  const shown = isStarter ? name : basename(name);
  const bases = [run.record.recipe_path ? dirname(run.record.recipe_path) : null, dirname(run.home)];
  const candidates = [
    ...(isStarter ? [join(extension, name)] : []),
    name,
    ...bases.filter((base) => base !== null).map((base) => join(base, name)),
  ];
  for (const path of candidates) {
    const config = (await readJson(join(path, 'config.json')).catch(() => undefined)) as
      | { architectures?: unknown; id2label?: Record<string, unknown> }
      | undefined;
    if (!config) continue;
    const classifies =
      Array.isArray(config.architectures) &&
      config.architectures.some((architecture) => String(architecture).endsWith('ForSequenceClassification'));
    const labels = Object.entries(config.id2label ?? {})
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, label]) => String(label));
    if (classifies && labels.length > 0) return { path, model: { name: shown, labels }, note: null };
    return none(`${shown} has no trained classifier: it learned to classify in this run.`);
  }
  return none(`The base model ${shown} is not in a folder on this machine, so it cannot be compared.`);
}

const none = (note: string): BaseModel => ({ path: null, model: null, note });
