import * as vscode from 'vscode';
import {
  type ChatPageMessage,
  type ChatPageRequest,
  type ChatWriter,
  parseChatPageRequest,
} from '../../protocol/chat-page.ts';
import { isTaskName, taskOf, writesByClass } from '../../protocol/index.ts';
import { HostError, isCancelled } from '../errors.ts';
import { PANELS } from '../ids.ts';
import { findBaseFolder } from './base-model.ts';
import { Panel } from './panel.ts';
import { followName, RunPanels, triedFolder } from './run-panels.ts';
import { templateNote, templateOfRun } from './run-template.ts';
import { describeTried, isRun, type Tried, triedId, triedName, tryTitle } from './tried.ts';
import type { TryoutOptions } from './tryout.ts';

/** Bytes of a file with tools. */
const MOST_TOOLS = 2 ** 20;

/** The panels in which a model that writes is tried, one for each run or base model. */
export class Chats extends RunPanels {
  protected readonly options: TryoutOptions;

  constructor(options: TryoutOptions) {
    super(PANELS.chat, options.extension);
    this.options = options;
  }

  protected start(panel: vscode.WebviewPanel, tried: Tried): Chat {
    return new Chat(panel, tried, this.options);
  }
}

class Chat {
  private readonly tried: Tried;
  private readonly options: TryoutOptions;
  private readonly wire: Panel<ChatPageRequest, ChatPageMessage>;
  private readonly renamed: { dispose(): void };
  private base: { path: string; name: string } | null = null;
  private writing: AbortController | null = null;

  constructor(panel: vscode.WebviewPanel, tried: Tried, options: TryoutOptions) {
    this.tried = tried;
    this.options = options;
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'chat', title: tryTitle(tried) },
      options.log,
      parseChatPageRequest,
      (request) => this.handle(request),
      (request, error) =>
        error && { type: 'failed', request: request.type, id: request.type === 'generate' ? request.id : null, error },
    );
    this.renamed = followName(
      panel,
      options.store,
      () => this.current,
      () => void this.sendSnapshot(),
    );
  }

  /** A run as it is now; as it was when its folder is gone. */
  private get current(): Tried {
    const { tried } = this;
    return (isRun(tried) && this.options.store.get(tried.folder)) || tried;
  }

  dispose(): void {
    this.renamed.dispose();
    this.writing?.abort();
  }

  private async handle(request: ChatPageRequest): Promise<void> {
    switch (request.type) {
      case 'ready':
        // A page that comes back has kept what was written, and does not wait for more.
        this.writing?.abort();
        return await this.sendSnapshot();
      case 'generate':
        return await this.generate(request);
      case 'cancel':
        return this.writing?.abort();
      case 'loadTools':
        return await this.loadTools();
      case 'copyText':
        return await vscode.env.clipboard.writeText(request.text);
    }
  }

  private async sendSnapshot(): Promise<void> {
    const { current } = this;
    if (!isRun(current)) {
      const { name, answers } = await describeTried(this.options.service, current);
      const dialogue = isTaskName(answers) && taskOf(answers).writes === 'message';
      return this.wire.post({ type: 'snapshot', run: triedId(current), name, base: null, dialogue });
    }
    const { record } = current;
    const found = await findBaseFolder(current, this.options.extension.fsPath);
    this.base = found && writesByClass(found.config.architectures) ? found : null;
    const dialogue = taskOf(record.recipe.task).writes === 'message';
    const template = templateOfRun(current);
    const base = this.base?.name ?? null;
    this.wire.post({
      type: 'snapshot',
      run: record.id,
      name: record.name,
      base,
      dialogue,
      ...(template && {
        template_note: templateNote(template, dialogue ? 'The first message' : 'What you type', base),
      }),
    });
  }

  private async loadTools(): Promise<void> {
    const [file] =
      (await vscode.window.showOpenDialog({
        title: 'Tools That the Model May Call',
        openLabel: 'Use Tools',
        filters: { JSON: ['json', 'jsonl'] },
      })) ?? [];
    if (!file) return;
    const { size } = await vscode.workspace.fs.stat(file);
    if (size > MOST_TOOLS)
      throw new HostError(
        'data-invalid',
        `${file.fsPath} is larger than ${MOST_TOOLS / 2 ** 20} MB.`,
        'Choose a file with a list of tools, or one row of a dataset.',
      );
    this.wire.post({ type: 'tools', text: new TextDecoder().decode(await vscode.workspace.fs.readFile(file)) });
  }

  private async generate({
    id,
    prompt,
    tools,
    settings,
    compare,
  }: Extract<ChatPageRequest, { type: 'generate' }>): Promise<void> {
    this.writing?.abort();
    const controller = new AbortController();
    this.writing = controller;
    const write = async (writer: ChatWriter, model: string, name: string) => {
      if (!this.options.service.isRunning) this.wire.post({ type: 'loading', message: `Loading ${name}…` });
      const answer = await this.options.service.request(
        'generate',
        { model, prompt, settings, ...(tools && { tools }) },
        {
          signal: controller.signal,
          onProgress: () => this.wire.post({ type: 'loading', message: `Loading ${name}…` }),
          onPart: (part) => {
            if (part.type === 'text') this.wire.post({ type: 'part', id, writer, text: part.text });
          },
        },
      );
      this.wire.post({
        ...{ type: 'answer', id, writer, text: answer.generated_text, tokens: answer.token_ids.length },
        ...{ rate: answer.tokens_per_second, reason: answer.finish_reason, notes: answer.notes },
        ...(answer.tool_calls && { tool_calls: answer.tool_calls, content: answer.content ?? '' }),
        ...(answer.prompt !== undefined && { prompt: answer.prompt }),
      });
    };
    try {
      await write('tuned', triedFolder(this.current), triedName(this.current));
      if (compare && this.base) await write('base', this.base.path, this.base.name);
    } catch (error) {
      if (!isCancelled(error)) throw error;
      this.wire.post({ type: 'cancelled', id });
    } finally {
      if (this.writing === controller) this.writing = null;
    }
  }
}
