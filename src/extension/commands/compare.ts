import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { slug } from '../../files/names.ts';
import { nameIn } from '../../files/written-path.ts';
import { HOME } from '../../guard/index.ts';
import {
  areNamed,
  type Compared,
  type ComparisonAsked,
  type DataSummary,
  formatBytes,
  formatCompact,
  lackingFields,
  type ModelEntry,
  modelsFor,
  type RecipeInput,
  type TaskName,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError, isCancelled } from '../errors.ts';
import { BACK, type Choice, Questions } from '../questions.ts';
import type { ComparisonSession } from '../runs/comparison.ts';
import { setting } from '../settings.ts';
import { askText, withProgress } from '../ui.ts';
import { modelPlaces } from '../views/base-choices.ts';
import { datasetsFor } from './datasets.ts';
import { settleEncoding } from './encoding.ts';
import { askModel } from './models.ts';
import { inspect } from './reading.ts';
import { requireTrust } from './select.ts';
import { fromDataset } from './source.ts';
import { startRecipe } from './start.ts';
import { writeRecipe } from './write-recipe.ts';

const TITLES: Record<Asked, string> = { ways: 'Which Way Is Best?', models: 'Which Model?' };
/** What is compared on a dataset's rows; a search is started by its recipe (search.ts). */
type Asked = Exclude<Compared, 'search'>;
/** In minutes. */
const BUDGETS = [2, 5, 15, 60];
const OTHER = 0;
const BY_NAME = '\0name';

/** Trains a model in several ways on a dataset's rows, within a budget of time, and says which to choose. */
export const compareWays = (luthier: Luthier, ...args: unknown[]): Promise<void> => begin(luthier, 'ways', args);

/** The same for several base models. */
export const compareModels = (luthier: Luthier, ...args: unknown[]): Promise<void> => begin(luthier, 'models', args);

async function begin(luthier: Luthier, compared: Asked, args: readonly unknown[]): Promise<void> {
  requireTrust();
  const [dataset] = await datasetsFor(luthier, args.slice(0, 1), TITLES[compared]);
  if (!dataset) return;
  const questions = new Questions(TITLES[compared]);
  let asked: ComparisonAsked;
  try {
    const source = fromDataset(dataset);
    const first = await inspect(luthier, questions, `Reading ${dataset.name}…`, source.data);
    const { source: read, summary } = await settleEncoding(luthier, questions, source, first);
    refuse(summary, dataset.name);
    const models =
      compared === 'ways'
        ? [await ask(() => askModel(luthier, questions, {}, { task: summary.task }))]
        : await askModels(luthier, questions, summary.task);
    const minutes = await askMinutes(questions);
    const base = await luthier.homes.projectFor(source.uri);
    const backend = setting('luthier.backend');
    asked = {
      ...{ compared, base, models, minutes },
      data: nameIn(base, source.file ?? dataset.path),
      home: join(base, HOME),
      task: summary.task,
      columns: summary.guess,
      ...(read.data.encoding !== undefined && { encoding: read.data.encoding }),
      rows: summary.rows,
      classes: summary.classes.length,
      named: areNamed(summary),
      sets: backend === 'auto' ? [] : [`backend=${backend}`],
    };
  } finally {
    questions.dispose();
  }
  await luthier.comparisons.compare(asked);
}

function refuse({ problems, guess, task }: DataSummary, name: string): void {
  const error = problems.find(({ severity }) => severity === 'error');
  if (error === undefined && lackingFields(guess, task).length === 0) return;
  throw new HostError(
    'data-invalid',
    `${name}: ${error?.message ?? 'its columns were not recognised.'}`,
    'Inspect Dataset shows what was found.',
    ['inspectDataset'],
  );
}

async function ask<T>(question: () => Promise<T | typeof BACK>): Promise<T> {
  const answer = await question();
  if (answer === BACK) throw new Cancelled();
  return answer as T;
}

/** Asks for models, all that can be used ticked; others may be named. */
async function askModels({ engine }: Luthier, questions: Questions, task: TaskName): Promise<string[]> {
  const found = await questions.work('Looking for models…', (signal) =>
    engine.service.request('models/list', { folders: modelPlaces() }, { signal }),
  );
  const items: Choice<string>[] = modelsFor(task, found)
    .filter(({ source, problem }) => problem === null && source !== 'run')
    .map((model) => ({ ...modelItem(model), picked: true }));
  items.push({ label: '$(edit) Others by name…', value: BY_NAME });
  const answer = await ask(() =>
    questions.askMany<string>({ placeholder: 'Which base models should be compared?', items }),
  );
  const names = answer.filter((name) => name !== BY_NAME);
  if (!answer.includes(BY_NAME)) return names;
  const text = await askText({
    title: TITLES.models,
    placeHolder: 'google-bert/bert-base-uncased, ./my-model',
    prompt: 'Folders or Hugging Face names, with commas between them. A model that is not on this machine is left out.',
  });
  const named = text.split(',').map((name) => name.trim());
  const all = [...new Set([...names, ...named.filter(Boolean)])];
  if (all.length === 0) throw new Cancelled();
  return all;
}

function modelItem({ name, path, source, num_parameters, bytes, languages }: ModelEntry): Choice<string> {
  const facts = [languages?.join(', '), `${formatCompact(num_parameters)} parameters`, formatBytes(bytes)];
  return {
    label: name,
    description: facts.filter(Boolean).join(' · '),
    value: source === 'folder' ? path : name,
  };
}

async function askMinutes(questions: Questions): Promise<number> {
  const answer = await ask(() =>
    questions.ask<number>({
      placeholder: 'How long may it take altogether?',
      items: [
        ...BUDGETS.map((minutes) => ({
          label: minutes === 60 ? '1 hour' : `${minutes} minutes`,
          value: minutes,
        })),
        { label: '$(edit) Other…', value: OTHER },
      ],
    }),
  );
  if (answer !== OTHER) return answer;
  const text = await askText({
    prompt: 'Minutes for all candidates together. The fastest are tried first; what does not fit is left out.',
    value: '10',
    validateInput: (value) => (Number(value) > 0 && value.trim() !== '' ? undefined : 'Enter a number above 0.'),
  });
  return Number(text);
}

/** Works on a comparison with progress and Cancel; what is done when it is cancelled is kept and shown. */
export async function workOn(luthier: Luthier, session: ComparisonSession): Promise<void> {
  requireTrust();
  await luthier.include(session.asked.home);
  try {
    await withProgress(session.title, (signal, report) => session.run(signal, report));
  } catch (error) {
    // The page says what is done.
    if (!isCancelled(error)) throw error;
  } finally {
    await luthier.refreshRuns();
  }
}

/** Writes a candidate's recipe beside the others of its project; starts a run of it, or opens it. */
export async function trainCandidate(
  luthier: Luthier,
  { base, data, home, recipe: searched }: ComparisonAsked,
  recipe: RecipeInput,
  start: boolean,
): Promise<void> {
  requireTrust();
  // Beside the recipe whose search it is the best of; else named after its rows.
  const name =
    searched === undefined
      ? `${slug(basename(data).replace(/\.[^.]+$/, ''))}-${recipe.strategy?.type ?? 'full'}`
      : `${basename(searched).replace(/(\.recipe)?\.json$/, '')}-best`;
  const path = await writeRecipe(base, name, recipe);
  if (start) await startRecipe(luthier, path, home);
  else await vscode.window.showTextDocument(vscode.Uri.file(path));
}
