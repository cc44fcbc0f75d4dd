import * as vscode from 'vscode';
import { settingsOf } from '../../prompts/options.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import type { ChatMessage } from '../../protocol/generation.ts';
import type { CodeLanguage, PromptRequests, PromptSource, RenderedPrompt } from '../../protocol/prompt.ts';
import type { GivenAnswer } from '../../protocol/prompt-page.ts';
import type { EngineService } from '../engine/service.ts';
import { HostError } from '../errors.ts';
import { hasModel } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { setting } from '../settings.ts';
import { modelFolderOf } from '../views/run-panels.ts';
import { aboutTokens, confirmSending, type Sending } from './confirm.ts';
import { hostOf, originOf } from './endpoint-address.ts';
import type { EndpointKeys } from './endpoint-keys.ts';
import { textAt } from './git.ts';
import { askChatModel } from './language-models.ts';
import type { ColumnRef, ModelRef, VersionRef } from './models.ts';
import { placed } from './placed.ts';
import { askEndpoint } from './remote.ts';

export interface AnswerSources {
  service: Pick<EngineService, 'request'>;
  runs: Pick<RunStore, 'get'>;
  keys: EndpointKeys;
  memento: vscode.Memento;
}

/** What fills a template: what was typed, or a row of a dataset. */
export type Filling = Pick<PromptSource, 'values' | 'cells'>;

export interface Hearing {
  signal: AbortSignal;
  onText(text: string): void;
  /** What is being done before the answer begins. */
  onWaiting(message: string): void;
}

/** Renders templates and asks models, here and elsewhere. */
export class Answers {
  private readonly sources: AnswerSources;

  constructor(sources: AnswerSources) {
    this.sources = sources;
  }

  /** The prompt as a model gets it; by a model of this machine with its tokens counted. */
  async render(
    document: vscode.TextDocument,
    { model, version }: ColumnRef,
    filling: Filling,
    signal: AbortSignal,
  ): Promise<RenderedPrompt> {
    const source = await sourceOf(document, version, filling);
    const path = this.folderNow(model);
    return await this.sources.service.request('prompt/render', { ...source, ...(path && { model: path }) }, { signal });
  }

  /** What goes to models elsewhere when these rows are answered. */
  async sendings(
    document: vscode.TextDocument,
    columns: readonly ColumnRef[],
    rows: readonly Filling[],
    signal: AbortSignal,
  ): Promise<Sending[]> {
    const sendings = new Map<string, Sending>();
    for (const column of columns) {
      const place = placeOf(column.model);
      if (!place) continue;
      const sending = sendings.get(place.to) ?? { ...place, calls: 0, tokens: 0 };
      for (const filling of rows) {
        const { messages } = await this.render(document, column, filling, signal);
        sending.calls++;
        sending.tokens += aboutTokens(messages);
      }
      sendings.set(place.to, sending);
    }
    return [...sendings.values()];
  }

  /** Asks for leave where prompts go to a place for the first time. Throws Cancelled. */
  async confirm(sendings: readonly Sending[]): Promise<void> {
    await confirmSending(sendings, this.sources.memento);
  }

  async ask(
    document: vscode.TextDocument,
    column: ColumnRef,
    filling: Filling,
    hearing: Hearing,
  ): Promise<GivenAnswer> {
    const { model, version } = column;
    const source = await sourceOf(document, version, filling);
    return isRemote(model)
      ? await this.askElsewhere(model, source, hearing)
      : await this.askHere(model, source, hearing);
  }

  private async askHere(
    model: LocalRef,
    source: PromptSource,
    { signal, onText, onWaiting }: Hearing,
  ): Promise<GivenAnswer> {
    const path = await this.folderOf(model, signal, onWaiting);
    const answer = await this.sources.service.request(
      'prompt/run',
      { ...source, model: path },
      {
        signal,
        onProgress: ({ message }) => onWaiting(message),
        onPart: (part) => {
          if (part.type === 'text') onText(part.text);
        },
      },
    );
    const { answer: text, tokens, ms, finish_reason: reason = 'end', labels = [], notes, warnings } = answer;
    return { text, tokens, ms, reason, labels, notes: [...warnings.map(({ message }) => message), ...notes] };
  }

  private async askElsewhere(model: RemoteRef, source: PromptSource, hearing: Hearing): Promise<GivenAnswer> {
    const { signal, onText, onWaiting } = hearing;
    const { messages, warnings } = await this.sources.service.request('prompt/render', source, { signal });
    const { settings, notes: left } = settingsOf(parsePrompt(source.text).model.options);
    const asking = {
      signal,
      onText,
      onWait: (seconds: number) => onWaiting(`The server is busy: asking again in ${seconds} s…`),
    };
    onWaiting('Waiting for the answer…');
    const answer =
      model.kind === 'vscode'
        ? await askChatModel(model.id, messages, settings, asking)
        : await askEndpoint(
            {
              ...{ url: await this.sources.keys.address(model.url), model: model.model },
              key: await this.sources.keys.get(model.url),
              silenceMs: 1000 * setting('luthier.prompts.endpoint.timeoutSeconds'),
            },
            messages,
            settings,
            asking,
          );
    const notes = [...warnings.map(({ message }) => message), ...left, ...notesOn(model, messages)];
    return { ...answer, notes, labels: [] };
  }

  /** A program that asks a model of this machine the same. */
  async code(
    document: vscode.TextDocument,
    { model, version }: ColumnRef,
    filling: Filling,
    { language, modelName, signal, onWaiting }: Omit<Hearing, 'onText'> & { language: CodeLanguage; modelName: string },
  ): Promise<PromptRequests['prompt/code']['result']> {
    if (isRemote(model)) {
      throw new HostError('usage', `${modelName} answers elsewhere.`, 'Choose a model of this machine.', [
        'chooseTemplateModel',
      ]);
    }
    const source = await sourceOf(document, version, filling);
    const path = await this.folderOf(model, signal, onWaiting);
    const params = { ...source, model: path, model_name: modelName, language };
    return await this.sources.service.request('prompt/code', params, { signal });
  }

  /** The folder of a model that is there already: what is shown while a person types waits for nothing. */
  private folderNow(model: ModelRef): string | null {
    if (model.kind === 'folder') return model.path;
    const run = isRemote(model) ? undefined : this.sources.runs.get(model.folder);
    return run && hasModel(run) ? modelFolderOf(run) : null;
  }

  /** The folder of a model; of a run that is still going it is written first. */
  private async folderOf(model: LocalRef, signal: AbortSignal, onWaiting?: (message: string) => void): Promise<string> {
    if (model.kind === 'folder') return model.path;
    const run = this.sources.runs.get(model.folder);
    if (!run) {
      throw new HostError('model-not-found', `The run ${model.name} is no longer there.`, 'Choose another model.', [
        'chooseTemplateModel',
      ]);
    }
    if (model.kind === 'run' || hasModel(run)) return modelFolderOf(run);
    onWaiting?.('Reading the best checkpoint so far…');
    const { path } = await this.sources.service.request('run/checkpoint', { run: run.folder }, { signal });
    return path;
  }
}

type RemoteRef = Extract<ModelRef, { kind: 'vscode' | 'endpoint' }>;
type LocalRef = Exclude<ModelRef, RemoteRef>;

const isRemote = (model: ModelRef): model is RemoteRef => model.kind === 'vscode' || model.kind === 'endpoint';

/** Where a model's prompts go to; null where they stay. */
function placeOf(model: ModelRef): Pick<Sending, 'to' | 'host'> | null {
  if (model.kind === 'endpoint') return { to: originOf(model.url), host: hostOf(model.url) };
  return model.kind === 'vscode' ? { to: `vscode:${model.id}`, host: `${model.name} through VS Code` } : null;
}

/** What a model elsewhere gets otherwise than one here. */
const notesOn = (model: RemoteRef, messages: readonly ChatMessage[]): string[] =>
  model.kind === 'vscode' && messages.some(({ role }) => role === 'system')
    ? ['VS Code’s models take no system messages: what the system says was sent as the user’s words.']
    : [];

/** What the engine needs of a template, in the version that is asked for. */
async function sourceOf(
  document: vscode.TextDocument,
  version: VersionRef,
  filling: Filling = {},
): Promise<PromptSource> {
  const { uri } = document;
  // Another template reads a row by its own columns and kinds.
  const { values, cells } = filling;
  const given = {
    ...(version && cells ? { cells } : { ...(values && { values }), ...(cells && { cells }) }),
    undefined_is: 'warning' as const,
  };
  const text = await textOfVersion(document, version);
  const place = version?.kind === 'file' ? vscode.Uri.parse(version.uri) : uri;
  return { text, ...placed(place), ...given };
}

/** The text of a template in one of its versions. @throws HostError where a commit cannot be read */
export async function textOfVersion(document: vscode.TextDocument, version: VersionRef): Promise<string> {
  if (version?.kind !== 'file') return version ? await textAt(document.uri, version.commit) : document.getText();
  return (await vscode.workspace.openTextDocument(vscode.Uri.parse(version.uri))).getText();
}
