import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskUse } from '../../files/folders.ts';
import { readOwnFile } from '../../files/regular-file.ts';
import { shellQuoted } from '../../files/shell.ts';
import { forgetRun, HOME, isOwnRun, placeProblem, rememberRun, runFolderProblem } from '../../guard/index.ts';
import {
  counted,
  formatBytes,
  LuthierError,
  type RunRecord,
  rateOf,
  STATE_WORDS,
  toErrorData,
  trainingsOf,
  WORKING_STATES,
} from '../../protocol/index.ts';
import { connectRun, lookAtProcess, readRun } from '../../runs/client.ts';
import { findRunFolders } from '../../runs/find.ts';
import { FILES, homeOf } from '../../runs/folder.ts';
import { withdraw } from '../../runs/queue.ts';
import { createRun, findRun, requireNone } from '../runs/folder.ts';
import { askProcess } from './ask-process.ts';
import { announce, type BeginOptions, beginRun, refuseQueueDetached } from './begin.ts';
import { findingLines } from './findings.ts';
import { bold, duration, EXIT, isInteractive, metricLine, note, print, printJson, table, yellow } from './output.ts';
import { shortPath, typedName } from './run-names.ts';
import { forgettingText, trainingsTable } from './run-result.ts';
import { tellOutside } from './train.ts';
import { watchRun } from './watch.ts';

interface JsonOption {
  json?: boolean;
}

/** Said beside the metrics of a run of several trainings. */
function meanOf(record: RunRecord): string {
  const trainings = trainingsOf(record);
  return trainings && record.best ? `, mean of ${counted(trainings.results.length, trainings.what)}` : '';
}

/** The states of an ended run, and what to tell whoever wants it to go on. */
const ENDED: Partial<Record<RunRecord['state'], string>> = {
  done: 'is finished',
  stopped: 'was stopped, its best weights kept',
  cancelled: 'was discarded',
};

export async function listRuns({ json }: JsonOption): Promise<number> {
  const runs = await everyRun(measure);
  const foreign = new Set<string>();
  for (const { folder, record } of runs) {
    if (record !== null && ENDED[record.state] === undefined && !(await isOwn(folder, record))) foreign.add(folder);
  }
  const created = ({ record }: Seen) => record?.created_at ?? '';
  runs.sort((a, b) => Number(created(a) < created(b)) - Number(created(a) > created(b)));
  if (json) {
    for (const { folder, record, bytes, problem } of runs) {
      printJson(record === null ? { run: folder, bytes, error: problem } : { run: folder, bytes, ...record });
    }
    return EXIT.done;
  }
  if (runs.length === 0) {
    note('No runs here yet. Start one: luthier train RECIPE');
    return EXIT.done;
  }
  const rows = runs.flatMap(({ folder, record, bytes, problem }) =>
    record === null
      ? [[shortPath(folder), problem?.code ?? 'unreadable', '', '', '', formatBytes(bytes)]]
      : [
          [
            record.name === record.id ? record.id : `${record.id}  ${record.name}`,
            foreign.has(folder) ? `${STATE_WORDS[record.state]}, not started here` : STATE_WORDS[record.state],
            `${record.step}/${record.total_steps}`,
            `${metricLine(record.best?.metrics ?? {})}${meanOf(record)}`,
            took(record),
            formatBytes(bytes),
          ],
          ...(trainingsOf(record)?.results ?? []).map(({ name, metrics }) => [
            `  ${record.seeds ? 'seed' : 'fold'} ${name}`,
            'done',
            '',
            metricLine(metrics),
            '',
            '',
          ]),
        ],
  );
  print(table(['run', 'state', 'step', 'best', 'time', 'disk'], rows, [2, 4, 5]));
  const total = runs.reduce((sum, run) => sum + run.bytes, 0);
  note(`${counted(runs.length, 'run')}, ${formatBytes(total)} on disk. Delete one: luthier runs remove RUN`);
  for (const { folder, record, problem } of runs) {
    if (record === null && problem !== null) note(`${yellow('Broken:')} ${shortPath(folder)}: ${problem.message}`);
  }
  if (foreign.size > 0) {
    note(
      'Runs marked “not started here” came with their folder, were moved, or were made by Luthier 0.1.0. Resuming one asks first.',
    );
  }
  const spare = await finishedCheckpoints(runs);
  if (spare.bytes > 0) {
    note(
      `${formatBytes(spare.bytes)} of that is checkpoints of finished runs, which are no longer needed. Delete them: luthier runs clean`,
    );
  }
  return EXIT.done;
}

/** Folders of checkpoints of runs that have ended for good, and the disk that they take. */
async function finishedCheckpoints(runs: readonly Seen[]): Promise<{ paths: string[]; bytes: number }> {
  const paths: string[] = [];
  let bytes = 0;
  for (const { folder, record } of runs) {
    if (record === null || ENDED[record.state] === undefined) continue;
    const path = join(folder, FILES.checkpoints);
    const size = await diskUse(path);
    if (size === 0) continue;
    paths.push(path);
    bytes += size;
  }
  return { paths, bytes };
}

/** Deletes the checkpoints of finished runs; models, metrics and records stay. */
export async function cleanRuns({ yes, json }: JsonOption & { yes?: boolean }): Promise<number> {
  const { paths, bytes } = await finishedCheckpoints(await everyRun(look));
  const what = `checkpoints of ${counted(paths.length, 'finished run')} (${formatBytes(bytes)})`;
  for (const path of paths) requireNone(await placeProblem(dirname(path)));
  if (paths.length > 0 && !(await isSure(`Delete the ${what}? Their models are kept.`, yes))) return EXIT.done;
  await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })));
  if (json) printJson({ removed: paths, bytes });
  else note(paths.length === 0 ? 'No finished run here has checkpoints.' : `Deleted the ${what}.`);
  return EXIT.done;
}

/** Deletes a run that is not working: record, metrics, checkpoints and model. */
export async function removeRun(name: string, { yes, json }: JsonOption & { yes?: boolean }): Promise<number> {
  const folder = await findRun(name, process.cwd());
  // What is inside may be anything, and links in it are deleted as links; the folder itself must be the one it says.
  requireNone(await placeProblem(folder));
  const { state } = await readRun(folder);
  if (WORKING_STATES.has(state)) {
    throw new LuthierError(
      'run-busy',
      `Run ${name} is still in progress.`,
      `End it first: luthier runs cancel ${shellQuoted(name)}`,
    );
  }
  const bytes = await diskUse(folder);
  const question = `Delete ${shortPath(folder)} and its model (${formatBytes(bytes)})? This cannot be undone.`;
  if (!(await isSure(question, yes))) return EXIT.done;
  await forgetRun(folder);
  await rm(folder, { recursive: true, force: true });
  if (json) printJson({ removed: [folder], bytes });
  else note(`Deleted ${shortPath(folder)}, ${formatBytes(bytes)}.`);
  return EXIT.done;
}

/** @throws LuthierError `usage` where nobody can be asked and --yes is not given */
async function isSure(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes) return true;
  if (!isInteractive()) {
    throw new LuthierError(
      'usage',
      'Nothing was deleted: this is not a terminal, so there is no way to ask first.',
      'Pass --yes to delete.',
    );
  }
  const { confirm } = await import('./prompts.ts');
  const answer = await confirm({ message: question, initialValue: false });
  return answer === true;
}

interface Seen {
  folder: string;
  record: RunRecord | null;
  problem: { code: string; message: string } | null;
}

/** A folder that is half-written or from a newer Luthier is listed with its problem. */
export async function look(folder: string): Promise<Seen> {
  try {
    return { folder, record: await readRun(folder), problem: null };
  } catch (error) {
    return { folder, record: null, problem: toErrorData(error) };
  }
}

/** Of all runs that are found from here. */
export async function everyRun<T>(see: (folder: string) => Promise<T>): Promise<T[]> {
  const folders = await findRunFolders(process.cwd(), (reason) => note(`${yellow('Skipped:')} ${reason}`));
  return Promise.all(folders.map(see));
}

const measure = async (folder: string) => ({ ...(await look(folder)), bytes: await diskUse(folder) });

function took({ started_at, finished_at }: RunRecord): string {
  if (started_at === null || finished_at === null) return '';
  return duration((Date.parse(finished_at) - Date.parse(started_at)) / 1000);
}

/** What a command put in the place of the file's keys. */
const setsOf = ({ sets = [] }: RunRecord): string => sets.map((set) => ` --set ${shellQuoted(set)}`).join('');

export async function showRun(name: string, { json }: JsonOption): Promise<number> {
  const folder = await findRun(name, process.cwd());
  const record = await readRun(folder);
  const bytes = await diskUse(folder);
  if (json) {
    printJson({ run: folder, bytes, ...record });
    return EXIT.done;
  }
  const { recipe } = record;
  const trainings = trainingsOf(record);
  const lines: [string, string][] = [
    ['state', STATE_WORDS[record.state]],
    ['step', `${record.step} of ${record.total_steps}`],
    ['base model', recipe.model],
    ['dataset', typeof recipe.dataset === 'string' ? recipe.dataset : Object.values(recipe.dataset).join(', ')],
    ['strategy', JSON.stringify(recipe.strategy)],
    ['learning rate', String(rateOf(recipe)?.value ?? '')],
    ['recipe', `${record.recipe_path ?? '(not saved as a file)'}${setsOf(record)}`],
    ['created', record.created_at],
    ['took', took(record)],
    [
      'best',
      record.best === null
        ? ''
        : `${metricLine(record.best.metrics)} (${trainings ? `mean of the ${trainings.what}s` : `step ${record.best.step}`})`,
    ],
    ['general text', record.forgetting === undefined ? '' : forgettingText(record.forgetting)],
    ['model', record.model === null ? '' : join(folder, record.model)],
    ['disk', formatBytes(bytes)],
    ['tags', (record.tags ?? []).join(', ')],
    ['note', record.note],
  ];
  print(bold(record.name));
  for (const [label, value] of lines) if (value !== '') print(`  ${label.padEnd(14)}${value}`);
  for (const { message } of record.incidents ?? []) print(`  ${yellow('card')}          ${message}`);
  if (record.error !== null) {
    print(`  ${yellow('error')}         ${record.error.message}`);
    if (record.error.hint !== undefined) print(`                ${record.error.hint}`);
  }
  const findings = findingLines(record, await typedName(folder), shortPath);
  if (findings.length > 0) print(`\n${findings.join('\n')}`);
  if (trainings) print(`\n${trainingsTable(trainings, record.recipe)}`);
  const { printReports } = await import('./report.ts');
  await printReports(folder);
  return EXIT.done;
}

export interface ResumeOptions extends BeginOptions {
  /** Says that a run which was not started on this machine may go on. */
  yes?: boolean;
  /** Starts a new run with its recipe instead. */
  new?: boolean;
}

export async function resumeRun(name: string, options: ResumeOptions): Promise<number> {
  refuseQueueDetached(options);
  const folder = await findRun(name, process.cwd());
  const record = await readRun(folder);
  if (options.new) return startAsNew(folder, record, options);
  const ended = ENDED[record.state];
  if (ended !== undefined) {
    const model = record.model === null ? '' : ` Its model: ${shortPath(join(folder, record.model))}`;
    if (options.json)
      printJson({ run: folder, state: record.state, model: record.model && join(folder, record.model) });
    note(`Run ${record.id} ${ended}; there is nothing to resume.${model}`);
    return EXIT.done;
  }
  const fromLine = await countLines(join(folder, FILES.metrics));
  // Where its process was killed before it could say that it lives, the lock decides who works on it.
  if (!(await askProcess({ folder, record }, 'luthier runs resume', 'resume', {}))) {
    requireNone(await runFolderProblem(folder));
    if (!(await isOwn(folder, record))) {
      const wanted = await whoseRun(name, folder, record, options);
      if (wanted === 'nothing') return EXIT.interrupted;
      if (wanted === 'new') return startAsNew(folder, record, options);
      const { recipe, recipe_path } = record;
      const base = recipe_path === null ? folder : dirname(recipe_path);
      // Of its project, whatever folder the record says that its recipe stood in.
      await tellOutside({ recipe, base, path: recipe_path }, [projectOf(folder)]);
      await rememberRun(folder, record).catch(() => undefined);
    }
    return beginRun({ folder, record, home: lineOf(folder), fromLine }, options);
  }
  if (options.detach) return announce(folder, options.json ?? false);
  return watchRun(folder, { json: options.json ?? false, fromLine });
}

/** A run that this machine made, or whose process answers on a socket of ours. */
async function isOwn(folder: string, record: RunRecord): Promise<boolean> {
  return (await isOwnRun(folder, record)) || (await lookAtProcess(folder)) !== null;
}

/**
 * Asks whether a run that was not started on this machine may go on. It may have come with a repository, and then
 * somebody else chose what it reads.
 * @throws LuthierError `run-untrusted` where nobody can be asked
 */
async function whoseRun(
  name: string,
  folder: string,
  { recipe }: RunRecord,
  { yes }: ResumeOptions,
): Promise<'resume' | 'new' | 'nothing'> {
  if (yes) return 'resume';
  const why = `Run ${name} is not known on this machine: it came with its folder, was moved, or was made by Luthier 0.1.0.`;
  if (!isInteractive()) {
    const run = shellQuoted(name);
    throw new LuthierError(
      'run-untrusted',
      why,
      `To look at it: luthier runs show ${run}. If it is yours: luthier runs resume ${run} --yes. To start a new run with its recipe: luthier runs resume ${run} --new`,
    );
  }
  const { select, isCancel } = await import('./prompts.ts');
  note(why);
  const reads = [
    recipe.model,
    ...(typeof recipe.dataset === 'string' ? [recipe.dataset] : Object.values(recipe.dataset)),
  ];
  note(`It reads ${reads.join(', ')} and writes to ${folder}.`);
  const answer = await select({
    message: 'Resume this run?',
    initialValue: 'nothing' as 'resume' | 'new' | 'nothing',
    options: [
      { value: 'nothing' as const, label: 'No' },
      { value: 'new' as const, label: 'Start a new run with its recipe' },
      { value: 'resume' as const, label: 'Yes, it is my run' },
    ],
  });
  return isCancel(answer) ? 'nothing' : answer;
}

/** The folder whose `.luthier` holds a run; one made by --out stands for itself. */
function projectOf(folder: string): string {
  return dirname(homeOf(folder) ?? folder);
}

/** The `.luthier` folder whose line a run stands in. */
const lineOf = (folder: string): string => homeOf(folder) ?? join(dirname(folder), HOME);

/** A new run of this machine with the recipe of one that stands here, beside it. */
async function startAsNew(folder: string, record: RunRecord, options: ResumeOptions): Promise<number> {
  const { resolveRecipe } = await import('../recipes/recipe.ts');
  const home = homeOf(folder);
  const loaded = await resolveRecipe(record.recipe, projectOf(folder));
  await tellOutside(loaded, [projectOf(folder)]);
  const made = await createRun({
    ...loaded,
    state: options.queue ? 'queued' : 'starting',
    // As many trainings as it was to have.
    folds: record.folds && { count: record.folds.count, final: record.folds.final },
    seeds: record.seeds?.values,
    ...(home === null ? {} : { luthierFolder: home }),
  });
  note(`New run with the recipe of ${record.id}: ${made.record.id}`);
  return beginRun({ ...made, home: lineOf(made.folder) }, options);
}

async function countLines(path: string): Promise<number> {
  const bytes = await readOwnFile(path, 500_000_000).catch(() => Buffer.alloc(0));
  let lines = 0;
  for (let i = bytes.indexOf(10); i !== -1; i = bytes.indexOf(10, i + 1)) lines++;
  // A torn last line is ended, and counted, when the run goes on.
  return bytes.length === 0 || bytes.at(-1) === 10 ? lines : lines + 1;
}

const DID = { pause: 'Paused', stop: 'Stopping', cancel: 'Discarded' } as const;

export async function steerRun(name: string, wish: keyof typeof DID, { json }: JsonOption): Promise<number> {
  const folder = await findRun(name, process.cwd());
  const record = await readRun(folder);
  if (record.state === 'queued' && wish !== 'pause') {
    await withdraw(lineOf(folder), folder, record.id);
    if (json) printJson({ run: folder, step: record.step });
    else note(`Run ${record.id} was taken off the queue.`);
    return EXIT.done;
  }
  if (!WORKING_STATES.has(record.state)) {
    note(`Run ${record.id} is not in progress (${STATE_WORDS[record.state]}); there is nothing to ${wish}.`);
    if (json) printJson({ run: folder, state: record.state, step: record.step });
    return ENDED[record.state] === undefined ? EXIT.failed : EXIT.done;
  }
  const client = await connectRun(folder, `luthier runs ${wish}`);
  const { step } = await client.request(wish, {});
  client.close();
  if (json) printJson({ run: folder, step });
  else
    note(
      `${DID[wish]} after step ${step}.${wish === 'pause' ? ` Resume it: luthier runs resume ${shellQuoted(name)}` : ''}`,
    );
  return EXIT.done;
}
