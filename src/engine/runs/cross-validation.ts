import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import { homeProblem } from '../../guard/index.ts';
import {
  type EvaluationReport,
  type FoldResult,
  type MetricKey,
  type Metrics,
  type RunEvent,
  type RunRecord,
  taskNameOf,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { writeRecord } from '../../runs/record.ts';
import type { FoldPart } from '../data/folds.ts';
import { readJsonRecord } from '../hub/json-file.ts';
import { taskNamed } from '../tasks/registry.ts';
import type { Trainer } from '../train/types.ts';
import { EventLog } from './event-log.ts';
import { ignoreExisting, requireNone } from './folder.ts';

/** One training of a cross-validation. */
export interface Stage {
  /** From 1 on; null for the model of all rows. */
  fold: number | null;
  part: FoldPart;
  /** Where its checkpoints are: the run's folder, or the fold's in it. */
  folder: string;
}

/**
 * What a cross-validation keeps beside its run: `folds/<k>` for each fold, a run's folder with record, metrics and
 * evaluation, so that it is looked at as one. A fold that is finished is not trained again, whatever happens after it.
 */
export class CrossValidation {
  readonly #folder: string;
  readonly #record: () => RunRecord;
  #log: EventLog | null = null;
  /** Steps of finished stages. */
  #before = 0;

  constructor(folder: string, record: () => RunRecord) {
    this.#folder = folder;
    this.#record = record;
  }

  get #plan() {
    return this.#record().folds!;
  }

  /** The next training, or null when all is done. Its folder is there. */
  async next(isFinalDone: boolean): Promise<Stage | null> {
    const { count, final, results } = this.#plan;
    const fold = results.length + 1;
    if (fold > count) return final && !isFinalDone ? { fold: null, part: 'all', folder: this.#folder } : null;
    const folder = this.#foldFolder(fold);
    requireNone(await homeProblem(this.#folder, FILES.folds, String(fold), FILES.checkpoints));
    for (const path of [join(this.#folder, FILES.folds), folder]) await mkdir(path).catch(ignoreExisting);
    return { fold, part: { fold, count }, folder };
  }

  /** Step numbers of the whole run while this stage is trained. */
  steps(stage: Stage, trainer: Trainer): { before: number; total: number } {
    const { count, final, results } = this.#plan;
    const each = trainer.totalSteps;
    if (stage.fold === null) {
      // Finished folds of an earlier process are counted as the record has them.
      this.#before = Math.max(this.#before, this.#record().total_steps - each, 0);
      return { before: this.#before, total: this.#before + each };
    }
    this.#before = results.length * each;
    // All rows are one fold more.
    const last = final ? Math.ceil((each * count) / (count - 1)) : 0;
    return { before: this.#before, total: count * each + last };
  }

  begin(stage: Stage): void {
    this.#log = stage.fold === null ? null : EventLog.open(join(stage.folder, FILES.metrics));
  }

  /** Keeps what a fold says in its own folder, too, and gives it as the run says it. */
  tell(stage: Stage, event: RunEvent): RunEvent {
    if (stage.fold === null) return event;
    this.#log?.append(event);
    return event.event === 'state' ? event : { ...event, fold: stage.fold };
  }

  end(): void {
    this.#log?.close();
    this.#log = null;
  }

  /** Writes the fold's record and evaluation; its checkpoints go. */
  async finish(stage: Stage & { fold: number }, report: EvaluationReport, trainer: Trainer): Promise<void> {
    const record = this.#record();
    const { count } = this.#plan;
    await writeJson(join(stage.folder, FILES.evaluation), { [report.split]: report });
    const { folds: _, ...rest } = record;
    await writeRecord(stage.folder, {
      ...rest,
      id: `${record.id}-fold-${stage.fold}`,
      name: `${record.name}, fold ${stage.fold} of ${count}`,
      state: 'done',
      finished_at: new Date().toISOString(),
      step: trainer.step,
      total_steps: trainer.totalSteps,
      best: { step: trainer.step, metrics: report.metrics },
      model: null,
      fold_of: { run: record.id, fold: stage.fold, count },
    });
    const results = [...this.#plan.results, { fold: stage.fold, metrics: report.metrics, n: report.n }];
    record.folds = { ...this.#plan, results, deviations: deviationsOf(results) };
    record.best = { step: record.step, metrics: meansOf(results) };
    await rm(join(stage.folder, FILES.checkpoints), { recursive: true, force: true });
  }

  /** The finished folds' answers as one report; null before there is one. */
  async pooled(): Promise<EvaluationReport | null> {
    const reports: EvaluationReport[] = [];
    for (const { fold } of this.#plan.results) {
      const { validation } = await readJsonRecord(join(this.#foldFolder(fold), FILES.evaluation));
      reports.push(validation as EvaluationReport);
    }
    return reports.length === 0 ? null : taskNamed(taskNameOf(this.#record().recipe)).pool(reports);
  }

  #foldFolder(fold: number): string {
    return join(this.#folder, FILES.folds, String(fold));
  }
}

const over = (results: readonly FoldResult[], of: (values: number[]) => number): Metrics =>
  Object.fromEntries(
    Object.keys(results[0]?.metrics ?? {}).map((key) => [
      key,
      of(results.map(({ metrics }) => metrics[key as MetricKey] ?? 0)),
    ]),
  );

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The plain mean over folds, as scikit-learn's cross_val_score is averaged. */
const meansOf = (results: readonly FoldResult[]): Metrics => over(results, mean);

/** The sample standard deviation over folds. */
const deviationsOf = (results: readonly FoldResult[]): Metrics =>
  results.length < 2
    ? {}
    : over(results, (values) =>
        Math.sqrt(values.reduce((sum, x) => sum + (x - mean(values)) ** 2, 0) / (values.length - 1)),
      );
