import { join } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import type { EvaluationReport, Recipe, RunRecord, SeedResult } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readReports } from '../../runs/reports.ts';
import type { LoopOptions } from '../train/loop.ts';
import type { LoopState } from '../train/loop-state.ts';
import type { Trainer } from '../train/types.ts';
import type { Journal } from './journal.ts';
import { deviationsOf, type Measured, meansOf, Repeated, type Result, type Stage } from './repeated.ts';

/**
 * Trains the same recipe with several seeds (`seeds/<seed>` in the run's folder). Each training is what a run of its
 * seed would be. The model, and the evaluation, are those of the first, the recipe's own: choosing the best of them
 * would flatter the mean.
 */
export class Seeds extends Repeated {
  protected readonly name = FILES.seeds;

  get #plan() {
    return this.record().seeds!;
  }

  async next(): Promise<Stage | null> {
    const { values, results } = this.#plan;
    const seed = values[results.length];
    return seed === undefined ? null : { seed, folder: await this.make(seed) };
  }

  numberOf({ seed }: Stage): number | null {
    return seed ?? null;
  }

  writesModel({ seed }: Stage): boolean {
    return seed === this.#plan.values[0];
  }

  /** Each has as many rows; one that is stopped early took fewer steps. */
  protected stepsToCome(_stage: Stage, trainer: Trainer): number {
    const { values, results } = this.#plan;
    return (values.length - results.length - 1) * trainer.totalSteps;
  }

  loop(stage: Stage, recipe: Recipe): Partial<LoopOptions> {
    return { recipe, keepsModel: this.writesModel(stage) };
  }

  recall(journal: Journal): Promise<void> {
    return journal.recallReports();
  }

  /** On disk at once: the best one of a training that is resumed may be from before. */
  async report(stage: Stage, report: EvaluationReport, journal: Journal): Promise<void> {
    const { reports } = await readReports(stage.folder);
    const all = [...reports.filter(({ split }) => split !== report.split), report];
    await writeJson(join(stage.folder, FILES.evaluation), Object.fromEntries(all.map((one) => [one.split, one])));
    if (this.writesModel(stage)) await journal.keep(report);
  }

  async outcome(_stage: Measured, _trainer: Trainer, best: LoopState['best']): Promise<Result> {
    return { metrics: best?.metrics ?? {}, n: best?.n ?? 0 };
  }

  /** Their validation rows may be the same: each model's answers are its own. */
  async pooled(): Promise<null> {
    return null;
  }

  protected add(seed: number, result: Omit<SeedResult, 'seed'>): void {
    const record = this.record();
    const results = [...this.#plan.results, { seed, ...result }];
    record.seeds = { ...this.#plan, results, deviations: deviationsOf(results) };
    record.best = { step: record.step, metrics: meansOf(results) };
  }

  protected placeOf(seed: number): Partial<RunRecord> & Pick<RunRecord, 'name' | 'recipe'> {
    const { id, name, recipe } = this.record();
    return {
      name: `${name}, seed ${seed}`,
      recipe: { ...recipe, seed },
      seed_of: { run: id, seed, count: this.#plan.values.length },
    };
  }

  protected tagOf(seed: number) {
    return { seed };
  }
}
