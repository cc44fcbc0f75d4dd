import { join } from 'node:path';
import {
  type EvaluationReport,
  type FoldResult,
  type Recipe,
  type RunRecord,
  taskNameOf,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { rowsOfFold } from '../data/folds.ts';
import { readJsonRecord } from '../hub/json-file.ts';
import { taskNamed } from '../tasks/registry.ts';
import type { LoopOptions } from '../train/loop.ts';
import type { Trainer } from '../train/types.ts';
import type { Journal } from './journal.ts';
import { deviationsOf, type Measured, meansOf, Repeated, type Result, type Stage } from './repeated.ts';

/** Trains on all folds but one, for each of them, then, if it is wanted, on all rows (`folds/<k>` in the run's folder). */
export class CrossValidation extends Repeated {
  protected readonly name = FILES.folds;
  /** Of the fold at work: its last evaluation counts. */
  #kept: EvaluationReport | null = null;

  get #plan() {
    return this.record().folds!;
  }

  async next(isModelDone: boolean): Promise<Stage | null> {
    const { count, final, results } = this.#plan;
    const fold = results.length + 1;
    this.#kept = null;
    if (fold > count) return final && !isModelDone ? { fold: null, part: 'all', folder: this.folder } : null;
    return { fold, part: { fold, count }, folder: await this.make(fold) };
  }

  numberOf({ fold }: Stage): number | null {
    return fold ?? null;
  }

  writesModel({ fold }: Stage): boolean {
    return fold === null;
  }

  protected stepsToCome({ fold }: Stage, trainer: Trainer): number {
    const { count, final } = this.#plan;
    if (fold == null) return 0;
    const rows = trainer.numTrainRows + trainer.numValidationRows;
    let steps = final ? trainer.stepsOn(rows) : 0;
    for (let next = fold + 1; next <= count; next++) steps += trainer.stepsOn(rows - rowsOfFold(rows, next, count));
    return steps;
  }

  loop({ fold }: Stage, recipe: Recipe): Partial<LoopOptions> {
    // Nothing is chosen by the rows that it is measured on.
    return { recipe: { ...recipe, early_stopping_patience: 0 }, measureOnly: fold !== null };
  }

  async recall(journal: Journal): Promise<void> {
    const earlier = await this.pooled();
    if (earlier !== null) journal.reports.validation = earlier;
  }

  async report(_stage: Stage, report: EvaluationReport, journal: Journal): Promise<void> {
    if (report.split === 'validation') this.#kept = report;
    else await journal.keep(report);
  }

  /** A resumed run may come to the end of a fold that was evaluated before it was ended. */
  async outcome(_stage: Measured, trainer: Trainer): Promise<Result> {
    const report = this.#kept ?? (await trainer.evaluate('validation'));
    return { metrics: report.metrics, n: report.n, report };
  }

  protected add(fold: number, result: Omit<FoldResult, 'fold'>): void {
    const record = this.record();
    const results = [...this.#plan.results, { fold, ...result }];
    record.folds = { ...this.#plan, results, deviations: deviationsOf(results) };
    record.best = { step: record.step, metrics: meansOf(results) };
  }

  protected placeOf(fold: number): Partial<RunRecord> & Pick<RunRecord, 'name'> {
    const { id, name } = this.record();
    const { count } = this.#plan;
    return { name: `${name}, fold ${fold} of ${count}`, fold_of: { run: id, fold, count } };
  }

  protected tagOf(fold: number) {
    return { fold };
  }

  /** The finished folds' answers as one report; null before there is one. */
  async pooled(): Promise<EvaluationReport | null> {
    const reports: EvaluationReport[] = [];
    for (const { fold } of this.#plan.results) {
      const { validation } = await readJsonRecord(join(this.folderOf(fold), FILES.evaluation));
      reports.push(validation as EvaluationReport);
    }
    return reports.length === 0 ? null : taskNamed(taskNameOf(this.record().recipe)).pool(reports);
  }
}
