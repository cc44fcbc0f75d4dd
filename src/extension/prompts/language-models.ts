import * as vscode from 'vscode';
import type { ChatMessage, GenerationSettings } from '../../protocol/generation.ts';
import { DEFAULT_NEW_TOKENS } from '../../protocol/index.ts';
import { Cancelled, HostError } from '../errors.ts';
import type { Asking, RemoteAnswer } from './remote.ts';

/** Models that other extensions offer to VS Code, Copilot's for one; none where VS Code has no such API. */
export async function listChatModels(): Promise<vscode.LanguageModelChat[]> {
  return (await vscode.lm?.selectChatModels()) ?? [];
}

/**
 * Asks a model of VS Code's. VS Code itself asks for leave the first time.
 * @throws HostError `endpoint-…`; Cancelled
 */
export async function askChatModel(
  id: string,
  messages: readonly ChatMessage[],
  settings: GenerationSettings,
  { signal, onText }: Asking,
): Promise<RemoteAnswer> {
  const started = performance.now();
  const model = (await listChatModels()).find((one) => one.id === id);
  if (!model) {
    throw new HostError('model-not-found', `VS Code no longer has the model ${id}.`, 'Choose another model.', [
      'chooseTemplateModel',
    ]);
  }
  const source = new vscode.CancellationTokenSource();
  const cancel = () => source.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    if (signal.aborted) throw new Cancelled();
    const { LanguageModelChatMessage: Message } = vscode;
    // These models know no system messages: what the system says is said first, by the user.
    const sent = messages.map(({ role, content }) =>
      role === 'assistant' ? Message.Assistant(content) : Message.User(content),
    );
    const { max_new_tokens = DEFAULT_NEW_TOKENS, temperature, top_p, seed, stop } = settings;
    const given = { max_tokens: max_new_tokens, temperature, top_p, seed, stop };
    const response = await model.sendRequest(
      sent,
      {
        justification: 'A prompt template is tried with this model.',
        modelOptions: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      },
      source.token,
    );
    let text = '';
    for await (const piece of response.text) {
      if (signal.aborted) throw new Cancelled();
      text += piece;
      onText(piece);
    }
    const ms = performance.now() - started;
    const tokens = await Promise.resolve(model.countTokens(text, source.token)).catch(() => null);
    return { text, tokens, ms, reason: 'end' };
  } catch (error) {
    if (signal.aborted || error instanceof Cancelled) throw new Cancelled();
    throw failureOf(model.name, error);
  } finally {
    signal.removeEventListener('abort', cancel);
    source.dispose();
  }
}

function failureOf(name: string, error: unknown): HostError {
  if (error instanceof HostError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof vscode.LanguageModelError ? error.code : '';
  if (code === 'NoPermissions') {
    return new HostError(
      'endpoint-refused',
      `VS Code does not let Luthier use ${name}.`,
      'Allow it under Manage Language Model Access.',
    );
  }
  if (code === 'Blocked')
    return new HostError('endpoint-busy', `${name} takes no more requests for now.`, 'Run it again later.');
  return new HostError('endpoint-failed', `${name} did not answer: ${message.split('\n', 1)[0]}`);
}
