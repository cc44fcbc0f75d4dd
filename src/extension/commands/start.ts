import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { readJson } from '../../files/json.ts';
import { counted } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import { COMMANDS, MEMENTO_KEYS, RECIPE_SUFFIX } from '../ids.ts';
import { choose } from '../questions.ts';
import { suggestRunName } from '../recipes/suggest.ts';
import { setting } from '../settings.ts';
import { confirm, tell, withProgress } from '../ui.ts';
import { askFolds } from './folds.ts';
import { tellWaiting } from './run-control.ts';
import { refuseSearch, searchingRecipe, startSearch } from './search.ts';
import { asRun, requireTrust } from './select.ts';

/**
 * Makes a run of a recipe's file, puts it in line, and opens its dashboard. `home` is the `.luthier` folder it goes to;
 * with `folds` it is a cross-validation, which ends with a model of all rows. `onCreated` gets its folder before it starts.
 */
export async function startRecipe(
  luthier: Luthier,
  recipePath: string,
  home?: string,
  { folds, onCreated }: { folds?: number | undefined; onCreated?: ((run: string) => Promise<void>) | undefined } = {},
): Promise<void> {
  const since = Date.now();
  // What is wrong with the file, the service says better.
  const recipe = await readJson(recipePath).catch(() => undefined);
  const name = suggestRunName(
    recipe,
    luthier.runs.all().map((run) => run.record.name),
  );
  const folder = home ?? (await luthier.homes.besideRecipe(recipePath));
  // There before the run is: its page loads while the engine works.
  const dashboard = setting('luthier.dashboard.openOnStart')
    ? luthier.dashboards.open(name ?? basename(recipePath, RECIPE_SUFFIX))
    : null;
  try {
    const created = await withProgress(`Preparing ${basename(recipePath)}`, (signal) =>
      luthier.engine.service.request(
        'run/create',
        {
          recipe_path: recipePath,
          folder,
          ...(name ? { name } : {}),
          ...(folds === undefined ? {} : { folds: { count: folds, final: true } }),
        },
        { signal },
      ),
    );
    await onCreated?.(created.path);
    const run = await luthier.adopt(created.path);
    await dashboard?.setRuns([run.folder]);
    if (dashboard) luthier.achieved('watched');
    const ahead = await luthier.starter.enqueue(run, since);
    if (ahead && ahead !== run) tellWaiting(run, ahead);
  } catch (error) {
    dashboard?.closeIfEmpty();
    throw error;
  }
}

/** Starts a run, or the search, of the recipe in the editor, the explorer's, or one that the person picks. */
export async function startRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  await luthier.load();
  const path = await recipeFor(args, 'Start Run');
  await refuseUnsound(luthier, path);
  const searching = await searchingRecipe(path);
  if (searching) await startSearch(luthier, path, searching);
  else await startRecipe(luthier, path, undefined, { folds: await askFolds(luthier, path, 'Start Run') });
}

/** As startRun, for a cross-validation; a run's recipe is meant where a run is given. Asks for the number of folds. */
export async function crossValidate(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  await luthier.load();
  const run = asRun(luthier, args[0]);
  const recipe = run?.record.recipe_path;
  if (run && !recipe) {
    throw new HostError(
      'usage',
      `${run.record.name} has no recipe file.`,
      'Duplicate its recipe, then cross-validate.',
    );
  }
  const path = recipe ?? (await recipeFor(args, TITLE));
  await refuseUnsound(luthier, path);
  await refuseSearch(path, TITLE);
  const folds = await choose({
    title: TITLE,
    placeholder: `Into how many folds should the rows of ${basename(path)} be split?`,
    items: [5, 10, 3].map((count) => ({
      label: counted(count, 'fold'),
      ...(count === 5 ? { description: 'recommended' } : {}),
      detail: `Trains ${count + 1} times: once for each fold, and a model on all rows at the end`,
      value: count,
    })),
  });
  await startRecipe(luthier, path, run?.home, { folds });
}

const TITLE = 'Cross-Validate';

/** Saves a recipe that is being edited, and refuses one with errors or that the person does not want read. */
export async function refuseUnsound(luthier: Luthier, path: string): Promise<void> {
  const document = vscode.workspace.textDocuments.find((open) => open.uri.fsPath === path);
  if (document?.isDirty && !(await document.save())) {
    throw new HostError('not-writable', `${basename(path)} could not be saved.`, 'Save it, then start the run.');
  }
  await luthier.recipes.refuseErrors(document ?? (await vscode.workspace.openTextDocument(vscode.Uri.file(path))));
  await confirmOutsideReads(luthier, path);
}

/**
 * A recipe that came with a repository can name any file on this machine. What it reads outside of the workspace is
 * shown before it starts, once for the same files. Throws Cancelled.
 */
async function confirmOutsideReads(luthier: Luthier, recipePath: string): Promise<void> {
  const roots = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const storage = luthier.extension.globalStorageUri.fsPath;
  const { outside } = await luthier.engine.service.request('recipe/reads', {
    recipe_path: recipePath,
    roots: [...roots, storage, ...setting('luthier.modelFolders')],
  });
  if (outside.length === 0) return;
  const lines = outside.map(({ part, path }) => `${part}: ${path}`);
  const { workspaceState } = luthier.extension;
  const agreed = workspaceState.get<string[]>(MEMENTO_KEYS.outsideReads, []);
  const agreement = [recipePath, ...lines].join('\n');
  if (agreed.includes(agreement)) return;
  await confirm(
    `${basename(recipePath)} reads files outside this workspace.`,
    `${lines.join('\n')}\n\nStart it only if you know these files.`,
    'Start Run',
  );
  await workspaceState.update(MEMENTO_KEYS.outsideReads, [...agreed, agreement].slice(-50));
}

/** The recipe that a command is about: the one given, that of the editor, or one that the person picks. Throws Cancelled. */
export async function recipeFor(args: readonly unknown[], title: string): Promise<string> {
  const [first] = args;
  if (first instanceof vscode.Uri) return first.fsPath;
  if (typeof first === 'string') return first;
  const active = vscode.window.activeTextEditor?.document;
  if (active?.uri.scheme === 'file' && active.fileName.endsWith(RECIPE_SUFFIX)) return active.fileName;
  const recipes = await vscode.workspace.findFiles(`**/*${RECIPE_SUFFIX}`, '**/{node_modules,.git,.luthier}/**', 200);
  if (recipes.length === 0) {
    const steps = { 'Fine-tune…': COMMANDS.fineTuneSelection, 'Try with Example Data…': COMMANDS.tryExample };
    const answer = await tell(
      'information',
      'There are no recipes in this workspace yet. Fine-tuning on a file with texts and labels writes one.',
      ...Object.keys(steps),
    );
    if (answer) await vscode.commands.executeCommand(steps[answer as keyof typeof steps]);
    throw new Cancelled();
  }
  return await choose({
    title,
    placeholder: 'Choose a recipe',
    items: recipes.map((uri) => ({
      label: basename(uri.fsPath),
      description: vscode.workspace.asRelativePath(dirname(uri.fsPath)),
      value: uri.fsPath,
    })),
  });
}
