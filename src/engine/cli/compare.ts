import { join } from 'node:path';
import { shellQuoted } from '../../files/shell.ts';
import { HOME } from '../../guard/index.ts';
import {
  areNamed,
  type Candidate,
  type Compared,
  type Comparison,
  candidateName,
  counted,
  FIELDS,
  formatBytes,
  formatCompact,
  formatMetric,
  LuthierError,
  lackingFields,
  metricName,
  saysInFewerBits,
  saysOfFewerBits,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { listed } from '../data/problems.ts';
import { findData } from '../data/resolve.ts';
import { NONE } from '../evaluate/format.ts';
import { models, type Rows, ways } from '../runs/comparison/candidates.ts';
import { rangeOf } from '../runs/comparison/choice.ts';
import { type CompareOptions, compare, type Progress } from '../runs/comparison/compare.ts';
import { machineOnce } from '../tensor/executors/status.ts';
import { languageNames } from '../text/language.ts';
import { estimateRun } from '../train/estimate-run.ts';
import { flagsOf } from './column-options.ts';
import { inspectRows, type RowOptions } from './inspect-rows.ts';
import { bold, dim, duration, ENDING, EXIT, green, note, print, printJson, table, yellow } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { shortPath } from './run-names.ts';

interface CompareCommandOptions extends RowOptions {
  set: string[];
  /** As it was typed. */
  minutes?: string;
  json?: boolean;
}

export interface CompareWaysOptions extends CompareCommandOptions {
  model: string;
  /** With commas. */
  strategies?: string;
}

export interface CompareModelsOptions extends CompareCommandOptions {
  /** With commas. */
  models?: string;
}

export const compareWays = (data: string, options: CompareWaysOptions): Promise<number> =>
  compareRows('ways', data, options, (rows) => ways(rows, options.model, namesIn('--strategies', options.strategies)));

export const compareModels = (data: string, options: CompareModelsOptions): Promise<number> =>
  compareRows('models', data, options, (rows) => models(rows, namesIn('--models', options.models)));

async function compareRows(
  compared: Compared,
  data: string,
  options: CompareCommandOptions,
  candidatesFor: (rows: Rows) => Promise<Candidate[]>,
): Promise<number> {
  const budget_s = secondsOf(options.minutes);
  const base = process.cwd();
  const { code } = await runComparison({
    ...{ compared, data, base, budget_s, sets: options.set, json: options.json ?? false },
    candidates: async () => {
      const rows = await rowsOf(data, base, options);
      return { candidates: await candidatesFor(rows), rows };
    },
  });
  return code;
}

export interface ComparisonCommand
  extends Pick<CompareOptions, 'compared' | 'data' | 'base' | 'budget_s' | 'search' | 'takesDone'> {
  sets: readonly string[];
  json: boolean;
  candidates: () => Promise<Pick<CompareOptions, 'candidates' | 'rows'>>;
}

/** Works on a comparison in this terminal until its end, or until Ctrl-C. @returns the exit code, and how it stands */
export async function runComparison({
  candidates,
  json,
  ...asked
}: ComparisonCommand): Promise<{ code: number; comparison: Comparison }> {
  const screen = new ComparisonScreen(json);
  const [interrupt, kill] = [new AbortController(), new AbortController()];
  const onSignal = () => {
    if (interrupt.signal.aborted) return kill.abort();
    screen.say(ENDING);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const known = await candidates();
    const machineOf = machineOnce();
    const comparison = await compare({
      ...asked,
      ...known,
      home: join(asked.base, HOME),
      estimate: async (loaded) => {
        const machine = await machineOf(loaded.recipe.backend);
        return estimateRun({ ...loaded, machine, signal: interrupt.signal });
      },
      signal: interrupt.signal,
      killed: kill.signal,
      onChange: (changed) => screen.show(changed),
      onProgress: (progress) => screen.progress(progress),
      note: (message) => screen.say(message),
    });
    screen.close();
    return { code: conclude(comparison, json), comparison };
  } finally {
    screen.close();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** @throws LuthierError `data-invalid` where the columns cannot be told */
async function rowsOf(data: string, base: string, options: CompareCommandOptions): Promise<Rows> {
  const { summary, how } = await inspectRows(await findData(data, base), options);
  const wrong = summary.problems.find(({ severity }) => severity === 'error');
  if (wrong || lackingFields(summary.guess, summary.task).length > 0)
    throw new LuthierError(
      'data-invalid',
      wrong?.message ?? `${data}: the columns of ${summary.task} were not found.`,
      `See luthier data inspect ${shellQuoted(data)}. Name columns with ${listed(flagsOf(FIELDS[summary.task]), 'or')}.`,
    );
  return {
    task: summary.task,
    dataset: data,
    columns: summary.guess,
    how,
    encoding: options.encoding,
    rows: summary.rows,
    classes: summary.classes.length,
    named: areNamed(summary),
    base,
  };
}

/** @throws LuthierError `usage` */
function secondsOf(minutes: string | undefined): number | null {
  if (minutes === undefined) return null;
  const count = Number(minutes);
  if (minutes.trim() === '' || !(count > 0 && count <= 100_000))
    throw new LuthierError(
      'usage',
      `--minutes is ${minutes}; it must be a number above 0.`,
      'For example: --minutes 10',
    );
  return 60 * count;
}

/** @throws LuthierError `usage` */
function namesIn(option: string, list: string | undefined): string[] | undefined {
  if (list === undefined) return undefined;
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  if (names.length === 0)
    throw new LuthierError(
      'usage',
      `${option} names nothing.`,
      `Name some, with commas between them, or leave ${option} out.`,
    );
  return names;
}

/** What is told while candidates are tried: an event or a line for each that is done, and a bar for the one at work. */
export class ComparisonScreen {
  readonly #json: boolean;
  /** What was told of each: one that was left out may be tried after all, or be left out for another reason. */
  readonly #told = new Map<string, string>();
  #bar: ProgressLine | null = null;
  #notes = 0;
  #running: string | null = null;

  constructor(json: boolean) {
    this.#json = json;
  }

  show(comparison: Comparison): void {
    const { compared, candidates, notes } = comparison;
    for (const message of notes.slice(this.#notes)) note(`${yellow('Note:')} ${message}`);
    this.#notes = notes.length;
    for (const [at, candidate] of candidates.entries()) {
      const name = candidateName(compared, candidate);
      if (candidate.state === 'running' && this.#running !== name) {
        this.#running = name;
        this.close();
        const expected = candidate.estimate_s === null ? '' : dim(`, about ${duration(candidate.estimate_s)}`);
        note(`${at + 1} of ${candidates.length}  ${bold(name)}${expected}`);
        this.#bar = new ProgressLine(name);
      }
      const { state, reason } = candidate;
      const told = `${state}: ${reason}`;
      if (state === 'waiting' || state === 'running' || this.#told.get(name) === told) continue;
      this.#told.set(name, told);
      this.close();
      if (this.#json) printJson(eventOf(comparison, candidate));
      if (candidate.state === 'done') this.#tellResult(comparison, candidate);
      else this.#tellNoResult(comparison, candidate);
    }
  }

  #tellNoResult({ compared, base }: Comparison, candidate: Candidate): void {
    const { state, reason, run } = candidate;
    note(`${yellow(state === 'failed' ? 'Failed:' : 'Left out:')} ${candidateName(compared, candidate)}. ${reason}`);
    if (run === null) return;
    const log = shortPath(join(base, HOME, 'runs', run, FILES.log));
    note(dim(`Its run: luthier runs show ${run}. Its last output is in ${log}.`));
  }

  #tellResult({ compared, metric }: Comparison, candidate: Candidate): void {
    const { value, wall_s } = candidate.result!;
    const range = rangeOf(metric, candidate.result!);
    const figures = `${metricName(metric)} ${formatMetric(metric, value)}${range === null ? '' : ` (${range})`}`;
    const stopped = candidate.reason === null ? '' : ` ${candidate.reason}`;
    note(`${green('Done:')} ${candidateName(compared, candidate)}, ${figures} in ${duration(wall_s)}.${stopped}`);
  }

  progress({ share }: Progress): void {
    this.#bar?.update(Math.round(100 * share), 100);
  }

  say(message: string): void {
    note(message);
  }

  close(): void {
    this.#bar?.close();
    this.#bar = null;
  }
}

/** One line of `--json` for a candidate. */
function eventOf({ metric }: Comparison, candidate: Candidate): object {
  const { strategy, model, run, reason, state, result, about, values, rung } = candidate;
  // What a search tells them by.
  const tried = { ...(values && { values }), ...(rung && { rung: rung.rung, [rung.key]: rung.value }) };
  const facts = about && {
    languages: about.languages,
    license: about.license,
    bytes: about.bytes,
    num_parameters: about.parameters,
    max_positions: about.positions,
  };
  if (result === null)
    return { event: state === 'failed' ? 'failed' : 'left-out', strategy, model, ...tried, reason, run, ...facts };
  return { event: 'candidate', strategy, model, ...tried, metric, ...figuresOf(candidate), run, reason, ...facts };
}

function figuresOf({ result }: Candidate) {
  const { value, low, high, wall_s, peak_rss_bytes, model_bytes, adapter_bytes, n, stopped, frozen_bits } = result!;
  const figures = { value, low, high, wall_s, peak_rss_bytes, model_bytes, adapter_bytes, n, stopped };
  return { ...figures, ...(frozen_bits && { frozen_bits, note: saysInFewerBits(frozen_bits, 'Its figures') }) };
}

function conclude(comparison: Comparison, json: boolean): number {
  const { candidates, choice, metric, state, folds } = comparison;
  if (json) {
    if (choice !== null) {
      const chosen = candidates[choice.candidate]!;
      const { strategy, model, run, recipe, values } = chosen;
      printJson({
        event: 'choice',
        strategy,
        model,
        ...(values && { values }),
        metric,
        ...figuresOf(chosen),
        run,
        folds,
        recipe,
        reason: choice.reason,
      });
    }
  } else if (candidates.some(({ result }) => result !== null)) print(tableOf(comparison));
  for (const says of saysOfFewerBits(comparison)) note(`${yellow('Note:')} ${says}`);
  if (state === 'interrupted') {
    const done = candidates.filter(({ result }) => result !== null).length;
    note(
      `Interrupted: ${done} of ${counted(candidates.length, 'candidate')} ${done === 1 ? 'is' : 'are'} done. The same command resumes.`,
    );
    return EXIT.interrupted;
  }
  if (choice === null) {
    note('No candidate was measured; the reasons stand above.');
    return EXIT.failed;
  }
  const chosen = candidates[choice.candidate]!;
  note(`${green('Choice:')} ${choice.reason}`);
  note(
    dim(
      `Used ${duration(comparison.used_s)}${comparison.budget_s === null ? '' : ` of ${duration(comparison.budget_s)}`}.`,
    ),
  );
  if (chosen.run !== null && folds === null)
    note(dim(`Its model is kept, those of the others are not: luthier runs show ${chosen.run}`));
  if (!json) note(`Its recipe:\n${JSON.stringify(chosen.recipe)}`);
  return EXIT.done;
}

const COLUMN: Readonly<Record<Compared, string>> = { ways: 'way', models: 'model', search: 'values' };

/** Candidates in the order in which they were tried, the chosen one marked. */
export function tableOf({ compared, candidates, metric, choice }: Comparison): string {
  const isModels = compared === 'models';
  const rows = candidates.map((candidate, at) => {
    const { result, about, estimate_s, reason, state } = candidate;
    const name = `${candidateName(compared, candidate)}${at === choice?.candidate ? ' ←' : ''}`;
    const facts = isModels
      ? [
          candidate.strategy,
          about?.languages ? languageNames(about.languages) : NONE,
          about?.license ?? NONE,
          about === null ? NONE : formatCompact(about.parameters),
          about === null ? NONE : String(about.positions),
        ]
      : [];
    if (result === null) {
      const what = state === 'failed' ? 'failed' : state === 'left-out' ? 'left out' : 'not done';
      const time = estimate_s === null ? NONE : `~${duration(estimate_s)}`;
      return [name, ...facts, what, NONE, time, NONE, NONE];
    }
    const size = `${formatBytes(result.model_bytes)}${result.adapter_bytes === null ? '' : ` (adapter ${formatBytes(result.adapter_bytes)})`}`;
    return [
      name,
      ...facts,
      formatMetric(metric, result.value),
      rangeOf(metric, result) ?? NONE,
      `${duration(result.wall_s)}${reason === null ? '' : ', stopped'}`,
      formatBytes(result.peak_rss_bytes),
      size,
    ];
  });
  const facts = isModels ? ['way', 'language', 'licence', 'parameters', 'token limit'] : [];
  const header = [COLUMN[compared], ...facts, metricName(metric), '95 % interval', 'time', 'memory', 'size'];
  return table(header, rows, [header.length - 3, header.length - 2].concat(isModels ? [4, 5] : []));
}
