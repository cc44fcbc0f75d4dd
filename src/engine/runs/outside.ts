import { readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { contains } from '../../files/folders.ts';
import type { OutsideRead } from '../../protocol/index.ts';
import { projectOf } from '../recipes/project.ts';
import type { LoadedRecipe } from '../recipes/recipe.ts';
import { pretrainingOf } from '../strategies/index.ts';

/** Files of a model's or a dataset's folder that are looked at for links. */
const MAX_FILES = 200;

/**
 * What a recipe reads outside of its workspace, links followed, so that a person is told before it starts: a recipe that
 * came with a repository can name any file that this user may read. Starters and models of the Hugging Face cache, which
 * are named and not paths, are not among them.
 * @param roots the workspace's folders; default: the outermost of the recipe's folder, the current one around it and the
 *   project's (with `.git` or `.luthier`) around it
 */
export async function readsOutside(loaded: LoadedRecipe, roots?: readonly string[]): Promise<OutsideRead[]> {
  const { recipe, base } = loaded;
  const inside = await Promise.all((roots ?? [projectOf(base)]).map(real));
  const parts: OutsideRead[] = [];
  if (isAbsolute(recipe.model) || /^\.{0,2}[\\/]/.test(recipe.model)) {
    parts.push({ part: 'model', path: resolve(base, recipe.model) });
  }
  if (recipe.template !== undefined) parts.push({ part: 'template', path: resolve(base, recipe.template) });
  const { dataset } = recipe;
  const files = typeof dataset === 'string' ? { train: dataset } : dataset;
  for (const file of new Set(Object.values(files))) parts.push({ part: 'dataset', path: resolve(base, file) });
  const texts = pretrainingOf(recipe.strategy)?.dataset;
  if (texts !== undefined) parts.push({ part: 'dataset', path: resolve(base, texts) });
  const outside: OutsideRead[] = [];
  for (const { part, path } of parts) {
    for (const read of new Set([await real(path), ...(await linksIn(path))])) {
      if (!inside.some((root) => contains(root, read))) outside.push({ part, path: read });
    }
  }
  return outside;
}

/** Where a path leads; what is not there stays as it is written. */
const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

/** Where the links in a folder lead. */
async function linksIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const links = entries.filter((entry) => entry.isSymbolicLink()).slice(0, MAX_FILES);
  return Promise.all(links.map(({ name }) => real(join(path, name))));
}
