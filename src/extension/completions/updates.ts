import { basename } from 'node:path';
import { exists } from '../../files/folders.ts';
import { processLives } from '../../files/processes.ts';
import { type CompletionReport, isBetter, mayTakeOver, updateText } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { isCancelled, sentence, toHostError } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import type { Log } from '../log.ts';
import { endMessage } from '../runs/present.ts';
import { hasModel, isFinished, type Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { tell, withProgress } from '../ui.ts';
import { modelFolderOf } from '../views/run-panels.ts';
import type { CompletionModels } from './models.ts';
import type { PendingUpdate, SharedState, UpdateOutcome } from './state.ts';

/** Lines that are typed again with both models: what decides is how they foretell all that is held out. */
const LINES = 20;
/**
 * So long after a run's end the window where the update was asked for may take to tell what came of it. Then the process of
 * its number is taken for another program's: the system uses numbers again.
 */
const PATIENCE_MS = 3_600_000;

export interface UpdatesOptions {
  state: SharedState;
  models: CompletionModels;
  runs: Pick<RunStore, 'ended' | 'get'>;
  service: Pick<EngineService, 'request'>;
  /** Runs one of our commands. */
  run(command: string, ...args: unknown[]): Promise<unknown>;
  log: Log;
  /** This window's process; replaced in tests. */
  pid?: number;
}

const BUTTONS = {
  rollBack: 'Roll Back',
  again: 'Compare Again',
  use: 'Use It Anyway',
  open: 'Open Dashboard',
} as const;

/**
 * Runs that are to take the place of a model that completes. When one has ended it is compared with that model on what was
 * held out, and takes its place only if it is better and has forgotten little; whatever comes of it is said where it was
 * asked for, or, when that window is gone, in another one, and can be read in the menu from then on. An update is pending
 * until then: a window that is closed in the middle of a comparison leaves it to the next.
 */
export class Updates {
  private readonly options: UpdatesOptions;
  private readonly pid: number;
  private readonly subscription: { dispose(): void };
  /** Runs that this window concludes just now. */
  private readonly concluding = new Set<string>();
  private isDisposed = false;

  constructor(options: UpdatesOptions) {
    this.options = options;
    this.pid = options.pid ?? process.pid;
    this.subscription = options.runs.ended.on((run) => {
      void this.conclude(run).catch((error) => options.log.error(error));
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.subscription.dispose();
  }

  /** A run was put in line that is to take a model's place. */
  async begin(run: string, model: string): Promise<void> {
    await this.options.state.update(({ updates }) => ({ updates: [...updates, { run, model, by: this.pid }] }));
  }

  /** Whether what comes of a run is still to be told, here or in another window. */
  isPending(run: string): boolean {
    return this.options.state.now.updates.some((one) => one.run === run);
  }

  /** Concludes what has ended while no window looked; once the runs of this window are known. */
  async look(): Promise<void> {
    const { state, runs, log } = this.options;
    await state.ready();
    // At once: each ends only when somebody has answered what it tells.
    await Promise.all(
      state.now.updates.map(async (update) => {
        const run = runs.get(update.run);
        if (run) return await this.conclude(run);
        if (await exists(update.run)) return;
        await this.alone(update.run, null, async () => {
          log.info(`${update.run} is gone, so ${update.model} was not updated.`);
          const text = `${this.gone(update)} Its run was deleted.`;
          await this.finish({ run: update.run, name: basename(update.run), text });
          void tell('information', text);
        });
      }),
    );
  }

  /** Does what there is to do at the end of a run; nothing where it is none of ours, or may go on. */
  async conclude(run: Run): Promise<void> {
    await this.options.state.ready();
    // One that was interrupted can be resumed.
    if (!isFinished(run) || !this.isPending(run.folder)) return;
    await this.alone(run.folder, run.record.finished_at, async (update) => {
      if (hasModel(run)) await this.compare(run, update);
      else await this.tellEnd(run, update);
    });
  }

  private async tellEnd(run: Run, update: PendingUpdate): Promise<void> {
    const { text, problem } = endMessage(run);
    this.options.log.info(`${run.folder}: ${run.state}, so ${update.model} was not updated.`);
    const said = `${text} ${this.gone(update)}`;
    await this.finish(outcomeOf(run, said));
    const answer = await tell(problem ? 'warning' : 'information', said, BUTTONS.open);
    if (answer) await this.options.run(COMMANDS.openDashboard, run.folder);
  }

  private gone({ model }: PendingUpdate): string {
    const { models } = this.options;
    const name = models.nameOf(model);
    return this.languagesOf(model).length > 0
      ? `The model was not updated; ${name} still completes.`
      : `${name} was not updated.`;
  }

  /** Does what one window alone does: that where the update was asked for, another one if its process has ended. */
  private async alone(
    run: string,
    finished: string | null,
    work: (update: PendingUpdate) => Promise<void>,
  ): Promise<void> {
    if (this.concluding.has(run)) return;
    this.concluding.add(run);
    try {
      let own: PendingUpdate | undefined;
      await this.options.state.update(({ updates }) => {
        const update = updates.find((one) => one.run === run);
        if (!update) return null;
        const { by } = update;
        const isLate = finished !== null && Date.now() - Date.parse(finished) > PATIENCE_MS;
        if (by !== undefined && by !== this.pid && processLives(by) && !isLate) return null;
        own = update;
        return { updates: updates.map((one) => (one === update ? { ...one, by: this.pid } : one)) };
      });
      if (own) await work(own);
    } finally {
      this.concluding.delete(run);
    }
  }

  /** It is known what came of an update, and about to be told. */
  private async finish(outcome: UpdateOutcome): Promise<void> {
    await this.options.state.update(({ updates }) => ({
      ...{ updates: updates.filter(({ run }) => run !== outcome.run), outcome },
    }));
  }

  /** Languages that a model completes now. */
  private languagesOf(model: string): string[] {
    return Object.entries(this.options.models.choices).flatMap(([language, chosen]) =>
      chosen === model ? [language] : [],
    );
  }

  private async compare(run: Run, update: PendingUpdate): Promise<void> {
    const { service, models, log } = this.options;
    const { name } = run.record;
    let report: CompletionReport;
    try {
      report = await withProgress(`Comparing ${name} with ${models.nameOf(update.model)}`, (signal, progress) =>
        service.request(
          'run/completions',
          { run: run.folder, lines: LINES },
          {
            signal,
            onPart: (part) => {
              if (part.type === 'rows')
                progress({ message: `${part.done} of ${part.total} lines`, done: part.done, total: part.total });
            },
          },
        ),
      );
    } catch (error) {
      // The engine ends with its window; another one compares them.
      if (this.isDisposed) return;
      const why = isCancelled(error) ? 'the comparison was cancelled.' : sentence(toHostError(error));
      log.warn(`${run.folder}: ${why}`);
      const text = `${name} could not be compared: ${why} ${this.gone(update)}`;
      await this.finish(outcomeOf(run, text));
      const answer = await tell('warning', text, BUTTONS.again, BUTTONS.open);
      if (answer === BUTTONS.again) await this.compare(run, update);
      if (answer === BUTTONS.open) await this.options.run(COMMANDS.openDashboard, run.folder);
      return;
    }
    await this.decide(run, update, report);
  }

  private async decide(run: Run, update: PendingUpdate, report: CompletionReport): Promise<void> {
    const { models, log } = this.options;
    const old = models.nameOf(update.model);
    const text = updateText(report, { model: run.record.name, base: old });
    log.info(text);
    const languages = this.languagesOf(update.model);
    if (mayTakeOver(report) && languages.length > 0) return await this.takeOver(run, update, text);
    const why =
      languages.length > 0 ? `${old} still completes.` : `${old} completes nothing any more, so nothing was switched.`;
    await this.finish(outcomeOf(run, `${why} ${text}`));
    // Better on what it was compared on: that it has forgotten much a person must see before they use it.
    const level = isBetter(report) && !mayTakeOver(report) ? 'warning' : 'information';
    const answer = await tell(level, `${text} ${why}`, BUTTONS.open, BUTTONS.use);
    if (answer === BUTTONS.use) await this.takeOver(run, update);
    if (answer === BUTTONS.open) await this.options.run(COMMANDS.openDashboard, run.folder);
  }

  /** Puts the new model in the other one's place, in the languages that this completes now, and offers the way back. */
  private async takeOver(run: Run, update: PendingUpdate, text?: string): Promise<void> {
    const { models } = this.options;
    const languages = this.languagesOf(update.model);
    // In which languages it is to complete, nobody has said.
    if (languages.length === 0) return void (await this.options.run(COMMANDS.useForCompletions, run.folder));
    const model = modelFolderOf(run);
    await models.use(model, languages);
    const said = `${run.record.name} now completes instead of ${models.nameOf(update.model)}.${text === undefined ? '' : ` ${text}`}`;
    await this.finish(outcomeOf(run, said));
    const answer = await tell('information', said, BUTTONS.rollBack, BUTTONS.open);
    if (answer === BUTTONS.rollBack) await this.rollBack(run, languages, update);
    if (answer === BUTTONS.open) await this.options.run(COMMANDS.openDashboard, run.folder);
  }

  /** Back to the model of before, where the person has not chosen another one meanwhile. */
  private async rollBack(run: Run, languages: readonly string[], { model: old }: PendingUpdate): Promise<void> {
    const { models } = this.options;
    const model = modelFolderOf(run);
    const isLast = languages.every((language) => models.previous?.models[language] === old);
    const left = languages.filter((language) => models.choices[language] === model);
    if (left.length === 0) {
      void tell('information', 'Other models were chosen meanwhile, so nothing was rolled back.');
      return;
    }
    if (isLast && left.length === languages.length) await models.rollback();
    else await models.use(old, left);
    const said = `${models.nameOf(old)} completes again.`;
    await this.finish(outcomeOf(run, said));
    void tell('information', said);
  }
}

const outcomeOf = ({ folder, record }: Run, text: string): UpdateOutcome => ({ run: folder, name: record.name, text });
