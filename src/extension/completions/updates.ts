import { exists } from '../../files/folders.ts';
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
import type { PendingUpdate, SharedState } from './state.ts';

/** Lines that are typed again with both models: what decides is how they foretell all that is held out. */
const LINES = 20;

export interface UpdatesOptions {
  state: SharedState;
  models: CompletionModels;
  runs: Pick<RunStore, 'ended' | 'get'>;
  service: Pick<EngineService, 'request'>;
  /** Runs one of our commands. */
  run(command: string, ...args: unknown[]): Promise<unknown>;
  log: Log;
}

const BUTTONS = {
  rollBack: 'Roll Back',
  again: 'Compare Again',
  use: 'Use It Anyway',
  open: 'Open Dashboard',
} as const;

/**
 * Runs that are to take the place of a model that completes. When one has ended, in whichever window, it is compared with
 * that model on what was held out, and takes its place only if it is better and has forgotten little; whatever comes of it
 * is said.
 */
export class Updates {
  private readonly options: UpdatesOptions;
  private readonly subscription: { dispose(): void };

  constructor(options: UpdatesOptions) {
    this.options = options;
    this.subscription = options.runs.ended.on((run) => void this.conclude(run));
  }

  dispose(): void {
    this.subscription.dispose();
  }

  /** A run was put in line that is to take a model's place. */
  async begin(run: string, model: string): Promise<void> {
    await this.options.state.update(({ updates }) => ({ updates: [...updates, { run, model }] }));
  }

  /** Whether a run's end is told here. */
  isPending(run: string): boolean {
    return this.options.state.now.updates.some((one) => one.run === run);
  }

  /** Concludes what has ended while no window looked; once the runs of this window are known. */
  async look(): Promise<void> {
    const { state, runs, log } = this.options;
    await state.ready();
    for (const update of state.now.updates) {
      const run = runs.get(update.run);
      if (run) await this.conclude(run);
      else if (!(await exists(update.run)) && (await this.claim(update.run))) {
        log.info(`${update.run} is gone, so ${update.model} was not updated.`);
        void tell('information', `${this.gone(update)} Its run was deleted.`);
      }
    }
  }

  /** Does what there is to do at the end of a run; nothing where it is none of ours, or may go on. */
  async conclude(run: Run): Promise<void> {
    const { state, log } = this.options;
    await state.ready();
    // One that was interrupted can be resumed.
    if (!isFinished(run) || !this.isPending(run.folder)) return;
    // Of several windows one says it.
    const update = await this.claim(run.folder);
    if (!update) return;
    if (hasModel(run)) return await this.compare(run, update);
    const { text, problem } = endMessage(run);
    log.info(`${run.folder}: ${run.state}, so ${update.model} was not updated.`);
    const answer = await tell(problem ? 'warning' : 'information', `${text} ${this.gone(update)}`, BUTTONS.open);
    if (answer) await this.options.run(COMMANDS.openDashboard, run.folder);
  }

  private gone({ model }: PendingUpdate): string {
    const { models } = this.options;
    const name = models.nameOf(model);
    return this.languagesOf(model).length > 0
      ? `The model was not updated; ${name} still completes.`
      : `${name} was not updated.`;
  }

  private async claim(run: string): Promise<PendingUpdate | null> {
    let claimed: PendingUpdate | null = null;
    await this.options.state.update(({ updates }) => {
      claimed = updates.find((one) => one.run === run) ?? null;
      return claimed && { updates: updates.filter((one) => one.run !== run) };
    });
    return claimed;
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
      const why = isCancelled(error) ? 'the comparison was cancelled.' : sentence(toHostError(error));
      log.warn(`${run.folder}: ${why}`);
      const text = `${name} could not be compared: ${why} ${this.gone(update)}`;
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
    const said = `${run.record.name} now completes instead of ${models.nameOf(update.model)}.`;
    const answer = await tell(
      'information',
      text === undefined ? said : `${said} ${text}`,
      BUTTONS.rollBack,
      BUTTONS.open,
    );
    if (answer === BUTTONS.rollBack) await this.rollBack(model, languages, update);
    if (answer === BUTTONS.open) await this.options.run(COMMANDS.openDashboard, run.folder);
  }

  /** Back to the model of before, where the person has not chosen another one meanwhile. */
  private async rollBack(model: string, languages: readonly string[], { model: old }: PendingUpdate): Promise<void> {
    const { models } = this.options;
    const isLast = languages.every((language) => models.previous?.models[language] === old);
    const left = languages.filter((language) => models.choices[language] === model);
    if (left.length === 0) {
      void tell('information', 'Other models were chosen meanwhile, so nothing was rolled back.');
      return;
    }
    if (isLast && left.length === languages.length) await models.rollback();
    else await models.use(old, left);
    void tell('information', `${models.nameOf(old)} completes again.`);
  }
}
