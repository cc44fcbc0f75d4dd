import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { isOwnRun } from '../../../guard/index.ts';
import {
  type Candidate,
  COMPARISON_FORMAT,
  type Compared,
  type Comparison,
  candidateName,
  counted,
  FINISHED_STATES,
  inOneLine,
  LuthierError,
  type RunEstimate,
  type RunEvent,
  smallest,
  taskNameOf,
} from '../../../protocol/index.ts';
import { FILES } from '../../../runs/folder.ts';
import { readEvents } from '../../../runs/metrics.ts';
import { lookAtRecord } from '../../../runs/record.ts';
import type { LoadedRecipe } from '../../recipes/recipe.ts';
import { pretrainingOf } from '../../strategies/index.ts';
import { hashDataset } from '../data-hash.ts';
import { createRun } from '../folder.ts';
import { countFitting, endingOf, expectedAfter, shareOf } from './budget.ts';
import { runWithin } from './candidate-run.ts';
import type { Rows } from './candidates.ts';
import { choose } from './choice.ts';
import { type Entry, entriesOf, fail, isSame, leaveOut } from './entry.ts';
import { Estimates } from './estimates.ts';
import { dropModel, secondsOf, settle } from './outcome.ts';
import { foldNotes, foldsFor, leaveOutLarge, leftOf, seconds } from './preparation.ts';
import type { SearchPlan } from './search.ts';
import { Comparisons } from './store.ts';

export interface Progress {
  /** Which of the candidates is at work. */
  candidate: number;
  /** Of all its steps, those of its folds together. */
  share: number;
}

export interface CompareOptions {
  compared: Compared;
  /** In any order; each with its recipe. */
  candidates: readonly Candidate[];
  /** The dataset as it was named, and the folder that relative names are looked up from. */
  data: string;
  base: string;
  /** The `.luthier` folder of the runs. */
  home: string;
  /** `--set key=value` for the recipe of every candidate that can take it. */
  sets?: readonly string[];
  /** What ways and models are suggested for; null of a search. */
  rows: Rows | null;
  budget_s: number | null;
  /** Of a search: what it is, and what is tried once the first candidates are done. */
  search?: SearchPlan | undefined;
  /** Gives one that asks the same and is done, where there is one. */
  takesDone?: boolean | undefined;
  /** What a run would take (train/estimate-run.ts), here or in another process. */
  estimate: (loaded: LoadedRecipe) => Promise<RunEstimate>;
  /** The first interrupts: what is done is kept, and the same question goes on there. The second ends the run at work. */
  signal: AbortSignal;
  killed?: AbortSignal;
  /** Told at each change; the object is a copy. */
  onChange?: (comparison: Comparison) => void;
  onProgress?: (progress: Progress) => void;
  note: (message: string) => void;
  /** Bundle of a run's process; default: beside this one. */
  runner?: string | undefined;
}

/**
 * Trains candidates on the same rows, one after the other, the fastest first, within a budget of time, and chooses one.
 * With successive halving, the best of those that are done follow, for longer.
 * The same question goes on where it was interrupted or killed; a run that still works is waited for.
 * @throws LuthierError `usage` where the budget is too short for any; `run-busy` where another process makes the same
 *   comparison; what is wrong with all candidates alike; `cancelled` when it is interrupted before it is known what fits
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const began = performance.now();
  const { entries, notes } = await entriesOf(options.candidates, options);
  const [first] = entries;
  if (first === undefined) throw new LuthierError('usage', 'There is nothing to compare.', 'Name at least one model.');
  const texts = new Set(entries.flatMap(({ loaded }) => pretrainingOf(loaded.recipe.strategy)?.dataset ?? []));
  const hashes = await Promise.all([first.loaded.recipe.dataset, ...texts].map((dataset) => hashDataset(dataset)));
  const question = createHash('sha256')
    .update(
      JSON.stringify([
        options.compared,
        entries.map(({ loaded }) => loaded.recipe),
        options.budget_s,
        ...(options.search ? [options.search.search] : []),
      ]),
    )
    .update(hashes.join(''))
    .digest('hex');
  const store = new Comparisons(options.home);
  const done = options.takesDone ? await store.finished(question) : null;
  if (done !== null) {
    options.note(`This was tried already (${done.created_at.slice(0, 10)}), and nothing has changed since.`);
    return done;
  }
  const earlier = await store.unfinished(question);
  const id = earlier?.id ?? store.newId(basename(options.data).replace(/\.[^.]+$/, ''));
  return store.whileHeld(id, () => new Work(options, entries, store, { id, question, earlier, began, notes }).run());
}

interface Beginning {
  id: string;
  question: string;
  /** As an earlier process left it. */
  earlier: Comparison | null;
  /** `performance.now()` of the start. */
  began: number;
  /** What to know of the candidates. */
  notes: string[];
}

class Work {
  readonly #o: CompareOptions;
  readonly #store: Comparisons;
  readonly #began: number;
  readonly #earlier: Comparison | null;
  #entries: Entry[];
  #comparison: Comparison;
  /** Seconds that earlier processes used. */
  #before = 0;
  /** Seconds of the budget that the candidates at work may use; of successive halving a rung has its part. */
  #until = Number.POSITIVE_INFINITY;
  /** How many these were when they were planned, in words. */
  #part = '';
  readonly #estimates: Estimates;
  /** Left out only since there seemed to be no time, the fastest first. */
  #late: Candidate[] = [];

  constructor(options: CompareOptions, entries: Entry[], store: Comparisons, beginning: Beginning) {
    const { id, question, earlier, began, notes } = beginning;
    const { compared, data, base, budget_s } = options;
    const { recipe } = entries[0]!.loaded;
    this.#o = options;
    this.#store = store;
    this.#began = began;
    this.#earlier = earlier;
    this.#entries = entries;
    this.#estimates = new Estimates(options.estimate, options.signal);
    this.#comparison = {
      format: COMPARISON_FORMAT,
      id,
      compared,
      question,
      state: 'running',
      created_at: earlier?.created_at ?? new Date().toISOString(),
      ...{ data, base, budget_s },
      task: taskNameOf(recipe),
      metric: recipe.metric_for_best_model,
      rows: 0,
      validation_rows: 0,
      folds: null,
      used_s: 0,
      notes,
      candidates: [],
      choice: null,
    };
  }

  async run(): Promise<Comparison> {
    const { search } = this.#o;
    if (search) this.#tell(search.notes);
    await this.#takeUp();
    const known = await this.#estimates.give(this.#entries);
    this.#settleRows(known);
    this.#tell(leaveOutLarge(this.#entries, this.#comparison.folds));
    this.#entries = this.#plan(this.#entries, search?.first.share ?? 1);
    this.#tellFolds(known);
    await this.#changed();
    try {
      do {
        for (const [at, entry] of this.#entries.entries())
          if (entry.candidate.state === 'waiting' && !this.#o.signal.aborted) await this.#try(at, entry);
      } while (!this.#o.signal.aborted && ((await this.#comeBack()) || (await this.#goOn())));
      if (this.#o.signal.aborted) return await this.#end('interrupted');
    } catch (error) {
      await this.#end('failed').catch(() => undefined);
      throw error;
    }
    const { compared } = this.#o;
    this.#comparison.choice = choose(compared, this.#comparison.metric, this.#candidates);
    const chosen = this.#comparison.choice?.candidate;
    for (const [at, { run }] of this.#candidates.entries())
      if (run !== null && at !== chosen) await dropModel(this.#folder(run)).catch(() => undefined);
    return this.#end('done');
  }

  get #candidates(): Candidate[] {
    return this.#entries.map(({ candidate }) => candidate);
  }

  get #used(): number {
    return this.#before + (performance.now() - this.#began) / 1000;
  }

  /** Seconds of the budget that are left to the candidates at work. */
  get #left(): number {
    return Math.max(0, this.#until - this.#used);
  }

  #folder(run: string): string {
    return join(this.#o.home, 'runs', run);
  }

  /**
   * Takes over what an earlier process has done. Of its file only the names of runs count, and those only of runs that
   * this machine made for the same recipe: a file that came with a folder starts nothing.
   */
  async #takeUp(): Promise<void> {
    if (this.#earlier === null) return;
    let worked = 0;
    for (const entry of this.#entries) worked += await this.#adopt(entry, this.#earlier);
    const finished = this.#candidates.filter(({ state }) => state !== 'waiting').length;
    this.#before = Math.max(this.#earlier.used_s, worked);
    this.#o.note(
      `This comparison was interrupted and is resumed: ${finished} of ${counted(this.#entries.length, 'candidate')} ${finished === 1 ? 'is' : 'are'} done${this.#before < 1 ? '' : `, ${seconds(this.#before)} are used`}.`,
    );
  }

  /** Takes over a candidate's run. @returns seconds of work in it */
  async #adopt({ candidate, loaded }: Entry, earlier: Comparison): Promise<number> {
    const same = earlier.candidates.find((one) => isSame(one, candidate));
    const run = same?.run ?? null;
    if (run === null) return 0;
    const found = await lookAtRecord(this.#folder(run)).catch(() => null);
    if (!found || found.problem !== null || !(await isOwnRun(this.#folder(run), found.record))) return 0;
    if (JSON.stringify(found.record.recipe) !== JSON.stringify(loaded.recipe)) return 0;
    candidate.run = run;
    if (FINISHED_STATES.has(found.record.state)) {
      const { metric } = this.#comparison;
      await settle(candidate, this.#folder(run), { metric, ending: null, share: null });
      if (same?.reason) candidate.reason = same.reason;
    }
    const events = await readEvents(join(this.#folder(run), FILES.metrics)).catch(() => []);
    return secondsOf(events.map(({ event }) => event));
  }

  /** Of successive halving the next rung, once all of the last one are done. @returns whether there is one */
  async #goOn(): Promise<boolean> {
    const round = this.#o.search?.next(this.#candidates, this.#comparison.metric) ?? null;
    if (round === null) return false;
    const { entries } = await entriesOf(round.candidates, this.#o);
    if (this.#earlier) for (const entry of entries) await this.#adopt(entry, this.#earlier);
    try {
      await this.#estimates.give(entries);
    } catch (error) {
      if (!this.#o.signal.aborted) throw error;
    }
    // What was not estimated for that reason is no worse for it.
    if (this.#o.signal.aborted) return false;
    this.#tell(leaveOutLarge(entries, this.#comparison.folds));
    this.#entries = [...this.#entries, ...this.#plan(entries, round.share)];
    await this.#changed();
    return true;
  }

  #settleRows({ rows, validation_rows }: RunEstimate): void {
    const folds = foldsFor({ rows, validation_rows }, this.#comparison.task);
    Object.assign(this.#comparison, { rows, validation_rows, folds });
  }

  /** Once it is known which candidates are tried. */
  #tellFolds(known: RunEstimate): void {
    const { folds, task } = this.#comparison;
    if (folds === null) return;
    const tried = this.#candidates.filter(({ state }) => state !== 'left-out');
    const names = tried.map((candidate) => candidateName(this.#o.compared, candidate));
    this.#tell(foldNotes(folds, known, task, names));
  }

  /** Notes that are there already are not told again. */
  #tell(notes: readonly string[]): void {
    this.#comparison.notes = [...new Set([...this.#comparison.notes, ...notes])];
  }

  /**
   * The fastest first; what does not fit into the budget is left out. What has begun goes on: its estimate is of all of it.
   * @param share of what is left of it
   * @throws LuthierError `usage`
   */
  #plan(entries: readonly Entry[], share: number): Entry[] {
    const expected = ({ candidate }: Entry) => candidate.estimate_s ?? Number.POSITIVE_INFINITY;
    const sorted = [...entries].sort((a, b) => expected(a) - expected(b));
    const waiting = sorted.filter(({ candidate }) => candidate.state === 'waiting');
    const { budget_s } = this.#o;
    if (budget_s !== null) {
      const part = share * Math.max(0, budget_s - this.#used);
      this.#until = this.#used + part;
      this.#part = share < 1 ? `the ${seconds(part)} of its rung` : seconds(budget_s);
    }
    const fitting = countFitting(waiting.map(expected), budget_s === null ? null : this.#left);
    const hasBegun = ({ candidate }: Entry) => candidate.run !== null;
    const isNew = waiting.length > 0 && !waiting.some(hasBegun) && !this.#candidates.some(({ result }) => result);
    if (fitting === 0 && isNew) {
      const name = candidateName(this.#o.compared, waiting[0]!.candidate);
      throw new LuthierError(
        'usage',
        `${seconds(this.#o.budget_s!)} ${this.#o.budget_s! < 1.5 ? 'is' : 'are'} too short: even ${name}, the fastest, takes about ${seconds(expected(waiting[0]!))}.`,
        `Allow at least ${counted(Math.ceil((1.5 * (this.#used + expected(waiting[0]!) / share)) / 60), 'minute')}.`,
      );
    }
    this.#late = waiting
      .slice(fitting)
      .filter((entry) => !hasBegun(entry))
      .map(({ candidate }) => candidate);
    for (const candidate of this.#late)
      leaveOut(
        candidate,
        `It would take about ${seconds(candidate.estimate_s!)}, more than the faster ones leave of ${this.#part}.`,
      );
    return sorted;
  }

  /**
   * Once the others are done, more may be left than was expected: then the fastest that was left out is tried after all.
   * Of the others it is said what is left.
   * @returns whether there is one to try
   */
  async #comeBack(): Promise<boolean> {
    const [next] = this.#late;
    if (next === undefined) return false;
    const isStopped = this.#candidates.some(({ result }) => result?.stopped);
    const expected = (candidate: Candidate) =>
      expectedAfter(candidate.estimate_s!, isStopped ? [1, ...this.#paces] : this.#paces);
    if (expected(next) <= this.#left) {
      this.#late = this.#late.slice(1);
      Object.assign(next, { state: 'waiting', reason: null });
    } else {
      for (const candidate of this.#late)
        leaveOut(
          candidate,
          `It would take about ${seconds(expected(candidate))}, and ${leftOf(this.#left, this.#part)} left when the faster ones were done.`,
        );
      this.#late = [];
    }
    await this.#changed();
    return next.state === 'waiting';
  }

  async #try(at: number, { candidate, loaded }: Entry): Promise<void> {
    const later = this.#candidates.slice(at + 1).filter(({ state }) => state === 'waiting');
    const left = this.#left;
    // Estimates are rough: those behind what took longer than it should are not begun without a prospect.
    if (left < (candidate.run === null ? 0.5 * candidate.estimate_s! * this.#pace : 1)) {
      leaveOut(
        candidate,
        `It would take about ${seconds(candidate.estimate_s! * this.#pace)}, and ${leftOf(left, this.#part)} left.`,
      );
      return this.#changed();
    }
    try {
      if (candidate.run === null) {
        const { folder } = await createRun({
          ...loaded,
          luthierFolder: this.#o.home,
          state: 'starting',
          name: this.#nameOf(candidate),
          // By it the runs table shows them together.
          tags: [this.#comparison.id],
          comparison: { id: this.#comparison.id, compared: this.#o.compared },
          folds: this.#comparison.folds === null ? undefined : { count: this.#comparison.folds, final: false },
        });
        candidate.run = basename(folder);
      }
      candidate.state = 'running';
      await this.#changed();
      const share = Number.isFinite(left)
        ? shareOf(left, [candidate.estimate_s!, ...later.map(({ estimate_s }) => estimate_s!)])
        : null;
      const ending = await runWithin(this.#folder(candidate.run), {
        stop_s: share === null ? null : share - endingOf(share),
        end_s: share === null ? null : Math.min(left, share + endingOf(share)),
        signal: this.#o.signal,
        killed: this.#o.killed ?? new AbortController().signal,
        onEvent: (event) => this.#heard(at, event),
        runner: this.#o.runner,
      });
      if (ending === 'interrupted' || this.#o.signal.aborted) {
        candidate.state = 'waiting';
        return await this.#changed();
      }
      await settle(candidate, this.#folder(candidate.run), { metric: this.#comparison.metric, ending, share });
    } catch (error) {
      if (!(error instanceof LuthierError)) throw error;
      fail(candidate, inOneLine(error));
    }
    await this.#changed();
  }

  #nameOf(candidate: Candidate): string {
    const { compared, data } = this.#o;
    const about =
      compared === 'search'
        ? candidateName(compared, candidate)
        : `${basename(candidate.model)} · ${candidate.strategy}`;
    return `${basename(data).replace(/\.[^.]+$/, '')} · ${about}`;
  }

  /** How much longer than expected those have taken that are done; 1 while that is not known. */
  get #pace(): number {
    const paces = this.#paces;
    return paces.length === 0 ? 1 : Math.max(1, smallest(paces));
  }

  /** Of each that is done, the time that it took over what was expected. */
  get #paces(): number[] {
    return this.#candidates.flatMap(({ result, estimate_s }) =>
      result !== null && !result.stopped && estimate_s !== null ? [result.wall_s / estimate_s] : [],
    );
  }

  /** Of the training at work. */
  #steps = 0;

  #heard(candidate: number, event: RunEvent): void {
    if (event.event === 'start') this.#steps = event.total_steps;
    if (event.event !== 'step' || this.#steps === 0) return;
    const done = event.step / this.#steps;
    const { folds } = this.#comparison;
    const share = folds === null ? done : ((event.fold ?? 1) - 1 + done) / folds;
    this.#o.onProgress?.({ candidate, share: Math.min(1, share) });
  }

  async #end(state: Comparison['state']): Promise<Comparison> {
    this.#comparison.state = state;
    await this.#changed();
    return this.#comparison;
  }

  async #changed(): Promise<void> {
    this.#comparison.candidates = this.#candidates;
    this.#comparison.used_s = this.#used;
    await this.#store.write(this.#comparison);
    this.#o.onChange?.(structuredClone(this.#comparison));
  }
}
