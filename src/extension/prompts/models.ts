import { dirname, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import { exists } from '../../files/folders.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import { taskOf, trainingsOf } from '../../protocol/index.ts';
import type { PromptColumn } from '../../protocol/prompt-page.ts';
import { HostError } from '../errors.ts';
import { MEMENTO_KEYS } from '../ids.ts';
import { hasModel, isWorking, type Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { findBaseFolder } from '../views/base-model.ts';
import { modelFolderOf } from '../views/run-panels.ts';
import { templateOf } from './documents.ts';
import { hostOf } from './endpoint-address.ts';
import { listChatModels } from './language-models.ts';

/** What a template can be asked of. */
export type ModelRef =
  /** A starter, or another folder with a model. */
  | { kind: 'folder'; path: string; name: string; detail?: string }
  /** What a run has trained. */
  | { kind: 'run'; folder: string; name: string }
  /** The best weights so far of a run that is still going. */
  | { kind: 'checkpoint'; folder: string; name: string }
  /** A model that another extension offers to VS Code. */
  | { kind: 'vscode'; id: string; name: string }
  /** Without what stands behind the address's question mark: that may be a key, and is where keys are. */
  | { kind: 'endpoint'; url: string; model: string };

/** A version of the template; null is the file as it is in the editor. */
export type VersionRef = { kind: 'file'; uri: string } | { kind: 'git'; commit: string; title: string } | null;

export interface ColumnRef {
  model: ModelRef;
  version: VersionRef;
}

export const columnId = (ref: ColumnRef): string => JSON.stringify(ref);

/** A model, and why it is this one where nobody has chosen it. */
export interface Bound {
  model: ModelRef | null;
  offered: string | null;
}

export interface ModelSources {
  /** The extension's own folder, where starters are. */
  extension: vscode.Uri;
  runs: Pick<RunStore, 'all' | 'find' | 'get'>;
  memento: vscode.Memento;
}

const STARTER = 'starters/decoder';

/** Which models templates are tried with: as their files say, as a person chose, or as Luthier offers. */
export class TemplateModels {
  private readonly sources: ModelSources;
  private readonly emitter = new vscode.EventEmitter<void>();
  /** A template has another model. */
  readonly changed = this.emitter.event;

  constructor(sources: ModelSources) {
    this.sources = sources;
  }

  dispose(): void {
    this.emitter.dispose();
  }

  /** The starter that writes. */
  get starter(): ModelRef {
    return { kind: 'folder', path: join(this.sources.extension.fsPath, STARTER), name: STARTER };
  }

  /** The model of a template: what a person chose in this window, what its file says, or what is offered. */
  async bound(document: vscode.TextDocument, file: PromptFile): Promise<Bound> {
    const chosen = this.chosen()[document.uri.toString()];
    if (chosen) return { model: chosen, offered: null };
    const { name } = file.model;
    const named = name === undefined ? null : await this.named(document, name);
    if (named) return { model: named, offered: null };
    const why =
      name === undefined ? 'The template names no model' : `The template’s model ${name} is not on this machine`;
    const run = this.sources.runs.all().find((one) => hasModel(one) && taskOf(one.record.recipe.task).writes);
    return run
      ? { model: runRef(run), offered: `${why}, so the newest run that fits is offered.` }
      : { model: this.starter, offered: `${why}, so the starter that writes is offered.` };
  }

  /** Folder of the model that a template is bound to: none where one is merely offered, or answers elsewhere. */
  async folderOf(document: vscode.TextDocument): Promise<string | null> {
    const file = templateOf(document);
    const { model, offered } = file ? await this.bound(document, file) : { model: null, offered: null };
    if (!model || offered !== null) return null;
    if (model.kind === 'folder') return model.path;
    const run = model.kind === 'run' ? this.sources.runs.get(model.folder) : undefined;
    return run && hasModel(run) ? modelFolderOf(run) : null;
  }

  async choose(document: vscode.TextDocument, model: ModelRef): Promise<void> {
    await this.update({ ...this.chosen(), [document.uri.toString()]: model });
  }

  /** What the file says counts again. */
  async forget(document: vscode.TextDocument): Promise<void> {
    const { [document.uri.toString()]: _, ...others } = this.chosen();
    await this.update(others);
  }

  private async update(chosen: Record<string, ModelRef>): Promise<void> {
    await this.sources.memento.update(MEMENTO_KEYS.templateModels, chosen);
    this.emitter.fire();
  }

  private chosen(): Record<string, ModelRef> {
    return this.sources.memento.get<Record<string, ModelRef>>(MEMENTO_KEYS.templateModels) ?? {};
  }

  /** A model by the name that a template's file gives it: a starter, a run, or a folder beside the template. */
  private async named(document: vscode.TextDocument, name: string): Promise<ModelRef | null> {
    const { extension, runs } = this.sources;
    const run = runs.find(name) ?? runs.all().find(({ record }) => record.name === name);
    if (run) return runRef(run);
    const isStarter = /^starters[\\/][\w.-]+$/.test(name);
    if (!isStarter && document.uri.scheme !== 'file') return null;
    const path = isStarter ? join(extension.fsPath, name) : resolve(dirname(document.uri.fsPath), name);
    return (await exists(join(path, 'config.json'))) ? { kind: 'folder', path, name } : null;
  }

  /** How a template's file names a model; null where that would mean something on this machine only. */
  nameInFile(model: ModelRef): string | null {
    if (model.kind === 'folder' && model.name === STARTER) return model.name;
    return model.kind === 'run' ? model.name : null;
  }

  /** What a run's model started from, where that can be asked, too. */
  async baseOf(model: ModelRef): Promise<ModelRef | null> {
    const run = model.kind === 'run' ? this.sources.runs.get(model.folder) : undefined;
    if (!run || !taskOf(run.record.recipe.task).writes) return null;
    const base = await findBaseFolder(run, this.sources.extension.fsPath);
    return base && { kind: 'folder', path: base.path, name: base.name, detail: 'base model' };
  }

  /** Runs whose model can be asked, the newest first. */
  trained(): Run[] {
    return this.sources.runs.all().filter(hasModel);
  }

  /** Runs that are still going and have weights that can be asked. */
  training(): Run[] {
    return this.sources.runs
      .all()
      .filter((run) => isWorking(run) && run.record.best !== null && !trainingsOf(run.record));
  }

  async describe(ref: ColumnRef): Promise<PromptColumn> {
    const { model, version } = ref;
    const [name, detail] = this.names(model);
    const of = version && (version.kind === 'git' ? version.title : nameOf(version.uri));
    return {
      id: columnId(ref),
      name,
      detail: [detail, of].filter(Boolean).join(' · ') || null,
      remote: model.kind === 'endpoint' ? safeHost(model.url) : model.kind === 'vscode' ? 'VS Code’s provider' : null,
      problem: (await this.problem(model)) ?? (version && (await versionProblem(version))),
    };
  }

  private names(model: ModelRef): [name: string, detail: string | null] {
    switch (model.kind) {
      case 'folder':
        return [model.name, model.detail ?? null];
      case 'endpoint':
        return [model.model, null];
      case 'vscode':
        return [model.name, null];
      default: {
        const run = this.sources.runs.get(model.folder);
        const step = run?.record.best?.step;
        const best = `best checkpoint so far${step === undefined ? '' : `, step ${step}`}`;
        return [run?.record.name ?? model.name, model.kind === 'checkpoint' ? best : null];
      }
    }
  }

  private async problem(model: ModelRef): Promise<string | null> {
    switch (model.kind) {
      case 'folder':
        return (await exists(join(model.path, 'config.json'))) ? null : 'This model is no longer there.';
      case 'run': {
        const run = this.sources.runs.get(model.folder);
        if (!run) return 'This run is no longer there.';
        return hasModel(run) ? null : 'This run has no model yet.';
      }
      case 'checkpoint': {
        const run = this.sources.runs.get(model.folder);
        if (!run) return 'This run is no longer there.';
        // Once it has ended its model has the best weights.
        return run.record.best === null && !hasModel(run) ? 'This run has no checkpoint yet.' : null;
      }
      case 'vscode':
        return (await listChatModels()).some(({ id }) => id === model.id) ? null : 'VS Code no longer has this model.';
      case 'endpoint':
        return safeHost(model.url) === null ? 'Its address is no longer valid.' : null;
    }
  }
}

export const runRef = ({ folder, record }: Run): ModelRef => ({ kind: 'run', folder, name: record.name });

const nameOf = (uri: string): string => vscode.Uri.parse(uri).path.split('/').at(-1) ?? uri;

const versionProblem = async (version: NonNullable<VersionRef>): Promise<string | null> =>
  version.kind === 'file' && !(await exists(vscode.Uri.parse(version.uri).fsPath))
    ? 'This version of the template is no longer there.'
    : null;

function safeHost(url: string): string | null {
  try {
    return hostOf(url);
  } catch (error) {
    if (error instanceof HostError) return null;
    throw error;
  }
}
