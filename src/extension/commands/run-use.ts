import { basename, dirname, join, parse, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { listFolder } from '../../files/folders.ts';
import { readJson } from '../../files/json.ts';
import { slug, uniqueName } from '../../files/names.ts';
import {
  changedRecipe,
  counted,
  formatBytes,
  formatCount,
  type RecipeChange,
  type RecipeInput,
  type ServiceRequests,
  taskOf,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { DATA_EXTENSIONS } from '../datasets/dataset.ts';
import { Cancelled, HostError, isCancelled } from '../errors.ts';
import { RECIPE_SUFFIX } from '../ids.ts';
import { choose } from '../questions.ts';
import { recipeText } from '../recipes/suggest.ts';
import { saveEvaluation } from '../runs/evaluations.ts';
import { hasModel, type Run } from '../runs/run.ts';
import { setting } from '../settings.ts';
import { tell, withProgress } from '../ui.ts';
import { pickRuns } from '../views/open.ts';
import { templateOfRun } from '../views/run-template.ts';
import { leadOn, requireTrust, runFor, runsFor } from './select.ts';

const NO_MODEL = 'No run has a model yet.';

export async function openDashboard(luthier: Luthier, ...args: unknown[]): Promise<void> {
  await luthier.load();
  const selected = await luthier.selectedRuns();
  const working = luthier.runs.working();
  // A click in the tree passes nothing and means what it selected; from the palette, the only run at work is meant.
  const meant = args.length > 0 ? args : selected.length > 0 ? selected : working.length === 1 ? working : [];
  if (luthier.runs.all().length === 0) return await leadOn(luthier, 'There are no runs yet.');
  const run = await runFor(luthier, meant, () => true, { title: 'Open Dashboard', none: 'There are no runs yet.' });
  luthier.dashboards.show([run]);
  luthier.achieved('watched');
}

export async function compareRuns(luthier: Luthier, ...args: unknown[]): Promise<void> {
  await luthier.load();
  const selected = Array.isArray(args[1]) ? args[1].length : 0;
  if (selected >= 2) {
    luthier.dashboards.show(await runsFor(luthier, args, () => true, { title: 'Compare Runs', none: '' }));
    return;
  }
  const first = args[0] ? await runFor(luthier, args, () => true, { title: 'Compare Runs', none: '' }) : undefined;
  const folders = await pickRuns(luthier.runs, first ? [first.folder] : []);
  const runs = folders.map((folder) => luthier.runs.get(folder)).filter((run) => run !== undefined);
  const ordered = first ? [first, ...runs.filter((run) => run !== first)] : runs;
  if (ordered.length < 2) throw new HostError('usage', 'Comparing needs at least two runs.');
  luthier.dashboards.show(ordered);
}

export async function showRunsTable(luthier: Luthier): Promise<void> {
  luthier.runTables.show();
}

export async function tryModel(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  await luthier.load();
  if (!luthier.runs.all().some(hasModel)) return await leadOn(luthier, NO_MODEL);
  const run = await runFor(luthier, args, hasModel, { title: 'Try Model', none: NO_MODEL });
  if (taskOf(run.record.recipe.task).writes) luthier.chats.show(run);
  else luthier.tryouts.show(run);
  luthier.achieved('tried');
}

/** Measures a run's model on a file that the person names; what came of it is kept with the run and shown there. */
export async function evaluateOnFile(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const fromExplorer = args[0] instanceof vscode.Uri ? args[0] : undefined;
  const run = await runFor(luthier, fromExplorer ? [] : args, hasModel, { title: 'Evaluate on File', none: NO_MODEL });
  const picked = fromExplorer
    ? [fromExplorer]
    : await vscode.window.showOpenDialog({
        title: `Evaluate ${run.record.name} on`,
        openLabel: 'Evaluate',
        filters: { 'Data with labels': DATA_EXTENSIONS },
      });
  const file = picked?.[0];
  if (!file) throw new Cancelled();
  const report = await withProgress(`Evaluating ${run.record.name}${through(run)}`, (signal, progress) =>
    luthier.engine.service.request(
      'evaluate',
      { model: join(run.folder, run.record.model ?? 'model'), data: file.fsPath, split: 'test' },
      {
        signal,
        onProgress: progress,
        onPart: (part) => {
          if (part.type !== 'rows') return;
          const { done, total } = part;
          progress({
            message: `${done.toLocaleString('en')} of ${counted(total, taskOf(run.record.recipe.task).row)}`,
            done,
            total,
          });
        },
      },
    ),
  );
  const { name } = await saveEvaluation(run.folder, file.fsPath, report);
  await luthier.dashboards.showEvaluation(run, name);
}

/** Answers each row of a file that the person names, and writes them with the answers to another one. */
export async function predictOnFile(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const fromExplorer = args[0] instanceof vscode.Uri ? args[0] : undefined;
  const run = await runFor(luthier, fromExplorer ? [] : args, hasModel, { title: 'Predict on File', none: NO_MODEL });
  const picked = fromExplorer
    ? [fromExplorer]
    : await vscode.window.showOpenDialog({
        title: `Predict with ${run.record.name} on`,
        openLabel: 'Predict',
        filters: { 'Data with texts': DATA_EXTENSIONS },
      });
  const file = picked?.[0]?.fsPath;
  if (!file) throw new Cancelled();
  const { name, ext } = parse(file);
  const delimited = ['.csv', '.tsv'].includes(ext.toLowerCase());
  const target = await vscode.window.showSaveDialog({
    title: 'Save the Predictions',
    saveLabel: 'Predict',
    defaultUri: vscode.Uri.file(join(dirname(file), `${name}.predictions${delimited ? ext : '.jsonl'}`)),
  });
  if (!target) throw new Cancelled();
  const as = taskOf(run.record.recipe.task).writes ?? 'classes';
  const done = await withProgress(`Predicting with ${run.record.name}${through(run)}`, (signal, progress) =>
    luthier.engine.service.request(
      'predict/file',
      {
        ...{ model: join(run.folder, run.record.model ?? 'model'), file, out: target.fsPath, as, settings: {} },
        ...(!setting('luthier.predictions.eightBit') && { float: true }),
      },
      {
        signal,
        // Rows that were answered before are kept.
        waits: true,
        onProgress: progress,
        onPart: (part) => {
          if (part.type !== 'rows') return;
          const { done, total } = part;
          progress({ message: `${formatCount(done)} of ${counted(total, 'row')}`, done, total });
        },
      },
    ),
  ).catch((error: unknown) => {
    if (isCancelled(error)) return null;
    throw error;
  });
  if (!done) {
    await tell('information', `Cancelled. Nothing was written to ${basename(target.fsPath)}.`);
    return;
  }
  const { path, warnings } = done;
  const open = 'Open File';
  const level = warnings.length > 0 ? 'warning' : 'information';
  if ((await tell(level, whatWasAnswered(run, file, done), {}, open)) === open) {
    await vscode.window.showTextDocument(vscode.Uri.file(path));
  }
}

/** Warnings that a notification has room for. */
const MOST_WARNINGS = 2;

function whatWasAnswered(run: Run, file: string, done: ServiceRequests['predict/file']['result']): string {
  const { rows, of, path, from, columns, warnings, computed } = done;
  const added = `the new column${columns.length === 1 ? '' : 's'} ${columns.join(' and ')}`;
  const left = of - rows;
  const said =
    left === 0
      ? `${counted(rows, 'row')} of ${basename(file)} answered from ${from.join(' and ')}${through(run)}. ${basename(path)} has ${added}.`
      : `Cancelled after ${formatCount(rows)} of ${counted(of, 'row')} of ${basename(file)}. ${basename(path)} has ${rows === 1 ? 'this row' : 'these rows'} with ${added}; the other ${left === 1 ? 'one is' : `${formatCount(left)} are`} left out.`;
  const more = warnings.length - MOST_WARNINGS;
  const rest = more > 0 ? [`The log has ${counted(more, 'more warning')}.`] : [];
  return [said, ...(computed === undefined ? [] : [computed]), ...warnings.slice(0, MOST_WARNINGS), ...rest].join(' ');
}

/** What rows go through on their way to a run's model, as a sentence goes on. */
function through(run: Run): string {
  const template = templateOfRun(run);
  return template === null ? '' : ` through its ${template.name}`;
}

export async function exportRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, hasModel, { title: 'Export Model', none: NO_MODEL });
  const format = await choose<'safetensors' | 'onnx'>({
    title: `Export ${run.record.name}`,
    placeholder: 'Which format?',
    items: [
      {
        label: '$(package) Hugging Face folder',
        detail: 'safetensors: for transformers in Python (from_pretrained)',
        value: 'safetensors',
      },
      {
        label: '$(circuit-board) ONNX',
        detail: 'onnx/model.onnx: for transformers.js and ONNX Runtime',
        value: 'onnx',
      },
    ],
  });
  const where = await vscode.window.showOpenDialog({
    title: 'Export to',
    openLabel: 'Export Here',
    canSelectFolders: true,
    canSelectFiles: false,
    defaultUri: vscode.Uri.file(dirname(run.home)),
  });
  const parent = where?.[0]?.fsPath;
  if (!parent) throw new Cancelled();
  const taken = (await listFolder(parent)).map((entry) => entry.name);
  const { id, name } = run.record;
  const out = join(parent, uniqueName(name === id ? id : slug(name), taken));
  const result = await withProgress(`Exporting ${run.record.name}`, (signal, progress) =>
    luthier.engine.service.request('export', { run: run.folder, format, out }, { signal, onProgress: progress }),
  );
  const reveal = 'Reveal';
  const answer = await tell(
    'information',
    `Exported to ${result.path} (${formatBytes(result.bytes)}). Its outputs match the trained model’s: largest difference ${result.max_difference.toExponential(1)}.${result.left_out.length > 0 ? ` Not copied, as not part of the model: ${result.left_out.join(', ')}.` : ''}${result.note ? ` ${result.note}` : ''}`,
    reveal,
  );
  if (answer === reveal) await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(result.path));
}

/** A copy of the run's recipe as a file to edit and train, only what differs from a plain recipe's paths kept relative. */
export async function duplicateRecipe(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, (run) => !run.damaged, {
    title: 'Duplicate and Edit Recipe',
    none: 'There are no runs yet.',
  });
  const { source, folder } = recipePlace(run);
  const written = source ? ((await readJson(source).catch(() => undefined)) as RecipeInput | undefined) : undefined;
  await vscode.window.showTextDocument(await writeCopy(run, written ?? relativePaths(run.record.recipe, folder)));
}

/**
 * A copy of the recipe that a run had, with what one of its findings suggests, open at the line that is other: the
 * person starts it. The recipe's file as it is written, unless it has changed since or was changed by --set.
 */
export async function openChangedRecipe(luthier: Luthier, run: Run, set: RecipeChange): Promise<void> {
  requireTrust();
  const { source, folder } = recipePlace(run);
  const written = source && (await isAsRun(luthier, run, source)) ? ((await readJson(source)) as RecipeInput) : null;
  const recipe = changedRecipe(written ?? relativePaths(run.record.recipe, folder), set);
  const [key = ''] = Object.keys(set).map((dotted) => dotted.replace('strategy.', ''));
  const lines = recipeText(recipe).split('\n');
  const line = Math.max(
    0,
    lines.findIndex((text) => text.trimStart().startsWith(`"${key}":`)),
  );
  await vscode.window.showTextDocument(await writeCopy(run, recipe), {
    selection: new vscode.Range(new vscode.Position(line, 0), new vscode.Position(line, lines[line]!.length)),
  });
}

/** Whether a recipe's file still says what the run was made of. */
async function isAsRun(luthier: Luthier, { record }: Run, source: string): Promise<boolean> {
  try {
    const { recipe } = await luthier.engine.service.request('recipe/resolve', { recipe_path: source });
    return JSON.stringify(recipe) === JSON.stringify(record.recipe);
  } catch (error) {
    if (isCancelled(error)) throw error;
    return false;
  }
}

/** Where a run's recipe stands, and where a copy of it goes. */
function recipePlace(run: Run): { source: string | null; folder: string } {
  // Whoever made a run that came with its folder chose that path: nothing is read from there or written beside it.
  const source = run.foreign ? null : run.record.recipe_path;
  return { source, folder: source ? dirname(source) : dirname(run.home) };
}

/** Writes a recipe beside the run's own, under a name that is not taken. */
async function writeCopy(run: Run, recipe: RecipeInput): Promise<vscode.Uri> {
  const { source, folder } = recipePlace(run);
  const base = basename(source ?? run.record.id).replace(RECIPE_SUFFIX, '');
  const taken = (await listFolder(folder)).map((entry) => entry.name.replace(RECIPE_SUFFIX, ''));
  const target = vscode.Uri.file(join(folder, `${uniqueName(base, taken)}${RECIPE_SUFFIX}`));
  await vscode.workspace.fs.writeFile(target, Buffer.from(recipeText(recipe), 'utf8'));
  return target;
}

/** The recipe with paths under `folder` made relative again, so that the file can move with its data. */
function relativePaths(recipe: RecipeInput, folder: string): RecipeInput {
  const shorten = (path: string) =>
    path.startsWith(folder + sep) ? relative(folder, path).split(sep).join('/') : path;
  const { dataset } = recipe;
  return {
    ...recipe,
    model: shorten(recipe.model),
    dataset:
      typeof dataset === 'string'
        ? shorten(dataset)
        : {
            train: shorten(dataset.train),
            ...(dataset.validation ? { validation: shorten(dataset.validation) } : {}),
            ...(dataset.test ? { test: shorten(dataset.test) } : {}),
          },
  };
}
