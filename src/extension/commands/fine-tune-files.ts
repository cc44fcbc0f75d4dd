import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { HOME } from '../../guard/index.ts';
import {
  counted,
  type DataPreview,
  FILE_CHOICE,
  type FilesFound,
  formatBytes,
  heldOutText,
  type LeftOut,
  leftOutText,
  maskedText,
  type OwnCompletions,
  type OwnFiles,
  ownCompletionsText,
  type RecipeInput,
  type RunEstimate,
  similarText,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { HostError, isCancelled, toHostError } from '../errors.ts';
import { shorten } from '../format.ts';
import { BACK, type Choice, type Notice, Questions, separator } from '../questions.ts';
import { blockingProblem, summaryLines } from '../recipes/suggest.ts';
import { setting } from '../settings.ts';
import { severityIcon } from '../severity.ts';
import { askModel, noticeOf } from './models.ts';
import { requireTrust } from './select.ts';
import { startRecipe } from './start.ts';
import { writeRecipe } from './write-recipe.ts';

const TITLE = 'Fine-tune on My Files';
const TASK = 'text-generation';
const DATASET = 'my-files';
const UPDATE_DATASET = 'my-update';
const STEPS = { languages: 1, model: 2, summary: 3 } as const;
const TOTAL = 3;
/** By how much more or less text is offered. */
const FACTOR = 4;
/** From so many seconds on less text is offered. */
const LONG_S = 600;

type Decision = 'start' | 'edit' | 'inspect' | 'model' | 'more' | 'less' | 'again';

/** Files of the workspace to running fine-tuning of a model for completions: languages, model, then a summary. */
export async function fineTuneFiles(luthier: Luthier): Promise<void> {
  requireTrust();
  await learnFiles(luthier, TITLE);
}

/**
 * Asks what is to be learnt of the files of a folder of the workspace, and starts that.
 * @param title of the questions
 * @param onCreated told of the run before it starts
 */
export async function learnFiles(
  luthier: Luthier,
  title: string,
  update?: ModelUpdate,
  onCreated?: (run: string) => Promise<void>,
): Promise<void> {
  const folder = await askFolder();
  const questions = new Questions(title);
  try {
    const found = await questions.work('Looking through your files…', (signal) =>
      luthier.engine.service.request('files/survey', { folder }, { signal }),
    );
    if (found.languages.length === 0) throw nothingFound(folder, found);
    const project = await luthier.homes.projectFor(vscode.Uri.file(folder));
    const path = await new FilesFlow(luthier, questions, folder, project, found, update).play();
    questions.dispose();
    if (!path) return;
    await startRecipe(luthier, path, join(project, HOME), { onCreated });
    luthier.achieved('filesLearned');
  } finally {
    questions.dispose();
  }
}

async function askFolder(): Promise<string> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const document = vscode.window.activeTextEditor?.document.uri;
  const own = document && vscode.workspace.getWorkspaceFolder(document);
  const [only] = folders;
  if (!only) {
    throw new HostError(
      'usage',
      'No folder is open, so there are no files to learn from.',
      'Open the folder with your files.',
    );
  }
  if (folders.length === 1) return only.uri.fsPath;
  if (own?.uri.scheme === 'file') return own.uri.fsPath;
  const picked = await vscode.window.showWorkspaceFolderPick({ placeHolder: 'Which folder’s files should be learnt?' });
  if (!picked) throw new HostError('cancelled', 'No folder was chosen.');
  return picked.uri.fsPath;
}

function nothingFound(folder: string, { left_out }: FilesFound): HostError {
  const why = left_out.length === 0 ? 'it is empty' : left_out.map(leftOutText).join('; ');
  return new HostError(
    'data-invalid',
    `${folder} has no file to learn from: ${why}.`,
    'Open a folder with files that you wrote.',
  );
}

/** A model that is updated rather than chosen, with what it learns besides files. */
export interface ModelUpdate {
  /** Its folder, or a starter's. */
  model: string;
  /** As people know it. */
  name: string;
  /** File of completions that were kept. */
  completions: string;
}

/** What was made of the answers. */
interface Made {
  files: OwnFiles;
  recipe: RecipeInput;
  estimate: RunEstimate;
  preview: DataPreview | null;
}

/** The questions in their order, with a way back from each; what was written goes again when the person turns back. */
class FilesFlow {
  private languages: string[];
  private model: string | undefined;
  private bytes: number = FILE_CHOICE.max_bytes;
  private notice: Notice | undefined;
  private readonly luthier: Luthier;
  private readonly questions: Questions;
  private readonly folder: string;
  private readonly project: string;
  private readonly found: FilesFound;
  private readonly update: ModelUpdate | undefined;

  /** @param update asks for neither languages nor a model */
  constructor(
    luthier: Luthier,
    questions: Questions,
    folder: string,
    project: string,
    found: FilesFound,
    update?: ModelUpdate,
  ) {
    this.update = update;
    this.model = update?.model;
    this.luthier = luthier;
    this.questions = questions;
    this.folder = folder;
    this.project = project;
    this.found = found;
    const suggested = found.languages.filter((one) => one.suggested);
    this.languages = (suggested.length > 0 ? suggested : found.languages).map(({ language }) => language);
  }

  /** @returns the recipe to start; undefined where it is to be edited first */
  async play(): Promise<string | undefined> {
    let step: keyof typeof STEPS = this.update ? 'summary' : 'languages';
    for (;;) {
      const position = { step: STEPS[step], totalSteps: TOTAL, canGoBack: step !== 'languages', notice: this.notice };
      if (step === 'languages') {
        this.notice = undefined;
        const chosen = await this.questions.askMany({ ...position, ...this.languageItems() });
        if (chosen === BACK) continue;
        this.languages = chosen;
        step = 'model';
      } else if (step === 'model') {
        this.notice = undefined;
        const answer = await askModel(this.luthier, this.questions, position, { task: TASK, before: this.model });
        if (answer !== BACK) this.model = answer;
        step = answer === BACK ? 'languages' : 'summary';
      } else {
        const result = await this.conclude();
        if (typeof result === 'object') return result.path;
        step = result;
      }
    }
  }

  private languageItems() {
    return {
      placeholder: 'Which languages should the model complete? What is left out is shown at the end',
      items: this.found.languages.map(
        (one): Choice<string> => ({
          label: one.title,
          description: `${counted(one.files, 'file')} · ${formatBytes(one.bytes)}`,
          picked: this.languages.includes(one.language),
          value: one.language,
        }),
      ),
    };
  }

  private async conclude(): Promise<{ path: string | undefined } | keyof typeof STEPS> {
    let made: Made | undefined;
    let kept = false;
    try {
      made = await this.make();
      const decision = await this.ask(made);
      if (decision === BACK || decision === 'model') return 'model';
      if (decision === 'more') this.bytes *= FACTOR;
      if (decision === 'less') this.bytes /= FACTOR;
      if (decision === 'more' || decision === 'less') return 'summary';
      const path = await writeRecipe(this.project, made.files.record.name, made.recipe);
      kept = true;
      this.luthier.datasets.refresh();
      if (decision === 'start') return { path };
      if (decision === 'edit') await vscode.window.showTextDocument(vscode.Uri.file(path));
      const dataset = (await this.luthier.datasets.list()).find((one) => one.path === made?.files.path);
      if (decision === 'inspect' && dataset) this.luthier.inspections.show(dataset);
      return { path: undefined };
    } catch (error) {
      // There is no question that it could lead back to.
      if (isCancelled(error) || this.update) throw error;
      const failure = toHostError(error);
      this.luthier.log.error(error as Error);
      this.notice = noticeOf(this.luthier, failure);
      return failure.code.startsWith('data-') ? 'languages' : 'model';
    } finally {
      if (made && !kept) await rm(made.files.path, { recursive: true, force: true });
    }
  }

  private async make(): Promise<Made> {
    const { questions, folder, project, languages, bytes, update } = this;
    const { service } = this.luthier.engine;
    const model = this.model!;
    const files = await questions.work('Reading your files…', (signal, say) =>
      service.request(
        'files/collect',
        {
          ...{ folder, languages, max_bytes: bytes, home: join(project, HOME) },
          ...(update ? { name: UPDATE_DATASET, completions: update.completions } : { name: DATASET }),
        },
        {
          signal,
          onPart: (part) => {
            if (part.type === 'rows') say(`Reading your files… ${part.done} of ${part.total}`);
          },
        },
      ),
    );
    try {
      return await questions.work('Estimating time and memory…', async (signal) => {
        const { name, rows } = files.record;
        const wanted = { model, base: project, dataset: name, rows, bytes: files.bytes };
        const recipe = await service.request('files/recipe', wanted, { signal });
        const backend = setting('luthier.backend');
        if (backend !== 'auto') recipe.backend = backend as NonNullable<RecipeInput['backend']>;
        const estimate = await service.request('run/estimate', { recipe, base: project }, { signal });
        const preview = await service
          .request('data/preview', { data: files.path, task: TASK, columns: {}, model, base: project }, { signal })
          .catch(() => null);
        return { files, recipe, estimate, preview };
      });
    } catch (error) {
      await rm(files.path, { recursive: true, force: true });
      throw error;
    }
  }

  private async ask({ files, recipe, estimate, preview }: Made): Promise<Decision | typeof BACK> {
    const blocked = blockingProblem(estimate);
    const start: Choice<Decision> = {
      label: '$(play) Start fine-tuning',
      description: `${this.update?.name ?? this.model} on ${counted(numberOf(files), 'file')}, ${formatBytes(files.bytes)}`,
      value: 'start',
    };
    const edit: Choice<Decision> = { label: '$(edit) Edit the recipe first', value: 'edit' };
    const hasMore = files.left_out.some(({ reason }) => reason === 'beyond');
    const isLong = estimate.seconds > LONG_S || blocked !== null;
    const items: Choice<Decision>[] = [
      ...(blocked === null ? [start] : []),
      // What is started later is compared with nothing.
      ...(this.update
        ? []
        : [
            {
              label: '$(list-flat) Inspect the dataset first',
              detail: 'What is learnt of each file; the recipe is kept',
              value: 'inspect' as const,
            },
            edit,
          ]),
      ...(hasMore ? [{ label: '$(arrow-up) Learn from more text', value: 'more' as const }] : []),
      ...(isLong && this.bytes > 1e5 ? [{ label: '$(arrow-down) Learn from less text', value: 'less' as const }] : []),
      ...(this.update ? [] : [{ label: '$(library) Choose another model…', value: 'model' as const }]),
    ];
    const line = (text: string, detail?: string): Choice<never> => ({
      label: text,
      ...(detail && { detail }),
      alwaysShow: true,
    });
    const [sample] = preview?.rows ?? [];
    const learnt = sample?.parts.map(({ text }) => text).join('') ?? '';
    return await this.questions.ask<Decision>({
      ...(this.update ? { totalSteps: 1, step: 1 } : { step: STEPS.summary, totalSteps: TOTAL, canGoBack: true }),
      placeholder: blocked === null ? 'Press Enter to start' : 'This cannot start as it is',
      notice: this.notice,
      items: [
        ...items,
        separator('What is learnt'),
        ...(files.completions ? completionLines(files.completions) : []),
        line(
          `$(files) ${files.languages.map((one) => `${one.title} ${one.files}`).join(' · ')}`,
          shorten(learnt.replace(/\s+/g, ' '), 120),
        ),
        line(
          `$(beaker) ${heldOutText(files)}`,
          shorten([...files.held_out.validation, ...files.held_out.test].join(', '), 120),
        ),
        ...(recipe.fim_rate ? [line('$(symbol-snippet) Half of the texts are learnt by filling in their middle')] : []),
        ...(files.masked.length > 0
          ? [
              {
                ...line(maskedText(files.masked)),
                iconPath: severityIcon(this.luthier.extension.extensionUri, 'warning'),
              },
            ]
          : [line('$(shield) No secrets were found in them')]),
        ...(files.similar.length > 0 ? [line(`$(files) ${shorten(similarText(files.similar), 160)}`)] : []),
        ...files.encodings.map(({ encoding, files: n }) => line(`$(info) ${counted(n, 'file')} read as ${encoding}`)),
        separator('What it will take'),
        ...summaryLines(estimate, TASK).map(({ icon, text, detail }) => line(`$(${icon}) ${text}`, detail)),
        separator('Left out'),
        ...files.left_out.map(leftOutItem),
      ],
      active: blocked === null ? start : this.update ? undefined : edit,
    });
  }
}

/** Files of a dataset that may have completions, too. */
const numberOf = ({ languages }: OwnFiles): number => languages.reduce((sum, { files }) => sum + files, 0);

function completionLines(completions: OwnCompletions): Choice<never>[] {
  const { broken } = completions;
  const line = (label: string, detail?: string): Choice<never> => ({
    label,
    ...(detail && { detail }),
    alwaysShow: true,
  });
  return [
    line(
      `$(mortar-board) ${ownCompletionsText(completions)}`,
      'The new model takes the other one’s place only if it foretells what is held out better and has not forgotten much',
    ),
    ...(broken > 0
      ? [
          line(
            `$(warning) ${counted(broken, 'line')} of learned.jsonl cannot be read and ${broken === 1 ? 'is' : 'are'} skipped`,
          ),
        ]
      : []),
  ];
}

const leftOutItem = (one: LeftOut): Choice<never> => ({
  label: `$(circle-slash) ${leftOutText(one)}`,
  detail: shorten(one.examples.join(', '), 120),
  alwaysShow: true,
});
