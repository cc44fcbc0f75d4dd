import * as vscode from 'vscode';
import type { CodeLanguage } from '../../protocol/prompt.ts';
import type { Luthier } from '../context.ts';
import { HostError } from '../errors.ts';
import { bindInFile } from '../prompts/bind.ts';
import { chooseTemplateModel as askModel } from '../prompts/choose.ts';
import { templateOf } from '../prompts/documents.ts';
import { hostOf } from '../prompts/endpoint-address.ts';
import { choose } from '../questions.ts';
import { setting } from '../settings.ts';
import { askText, tell } from '../ui.ts';
import { requireTrust } from './select.ts';

export async function tryTemplate(luthier: Luthier, ...args: unknown[]): Promise<void> {
  const { uri } = await templateFor(args[0]);
  luthier.prompts.show({ mode: 'try', uri });
}

export async function compareTemplate(luthier: Luthier, ...args: unknown[]): Promise<void> {
  const { uri } = await templateFor(args[0]);
  luthier.prompts.show({ mode: 'compare', uri });
}

/** Puts a program that asks the template's model, with its sample, into the clipboard. */
const copyAs =
  (language: CodeLanguage) =>
  async (luthier: Luthier, ...args: unknown[]): Promise<void> => {
    requireTrust();
    await luthier.load();
    const document = await templateFor(args[0]);
    await luthier.prompts.copyCode(document, language);
  };
export const copyTemplateAsPython = copyAs('python');
export const copyTemplateAsJavaScript = copyAs('javascript');

/** Chooses the model that a template is tried with; where its name means the same elsewhere, the file can say it. */
export async function chooseTemplateModel(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  await luthier.load();
  const document = await templateFor(args[0]);
  const { templateModels: models, endpointKeys: keys } = luthier;
  const file = document.uri.path.split('/').at(-1)!;
  const model = await askModel({ models, keys }, `Model for ${file}`);
  await models.choose(document, model);
  const name = models.nameInFile(model);
  if (name === null) return;
  const write = 'Write into Template';
  const said = `${file} is tried with ${name} in this workspace.`;
  void tell('information', said, write).then(async (answer) => {
    if (answer !== write) return;
    if (await bindInFile(document, name)) await models.forget(document);
    else void tell('warning', `${file} names its model in a way that is not Luthier’s, and was left as it is.`);
  });
}

/** Keeps the API key of the endpoint that the settings name in VS Code's secret storage; an empty one forgets it. */
export async function setEndpointKey({ endpointKeys }: Luthier): Promise<void> {
  const url = setting('luthier.prompts.endpoint.url');
  const host = hostOf(url);
  const had = (await endpointKeys.get(url)) !== undefined;
  const key = await askText({
    title: `API Key of ${host}`,
    prompt: had
      ? 'A key is stored. Leave this empty to delete it.'
      : `It is kept in VS Code’s secret storage and sent to ${host} only.`,
    password: true,
    ignoreFocusOut: true,
  });
  await endpointKeys.set(url, key);
}

/** The template that a command is about: what was clicked, the open one, or one that the person picks. Throws Cancelled. */
export async function templateFor(value: unknown): Promise<vscode.TextDocument> {
  if (value instanceof vscode.Uri) return await requireTemplate(await vscode.workspace.openTextDocument(value));
  const open = vscode.window.activeTextEditor?.document;
  if (open && templateOf(open)) return open;
  const found = await vscode.workspace.findFiles('**/*.prompty', '**/{node_modules,.git}/**', 200);
  if (found.length === 0)
    throw new HostError('usage', 'There is no prompt template in this workspace.', 'Create one first.');
  const uri = await choose<vscode.Uri>({
    title: 'Prompt Template',
    placeholder: 'Which template?',
    items: found.map((file) => ({ label: vscode.workspace.asRelativePath(file), value: file })),
  });
  return await vscode.workspace.openTextDocument(uri);
}

async function requireTemplate(document: vscode.TextDocument): Promise<vscode.TextDocument> {
  if (templateOf(document)) return document;
  throw new HostError(
    'usage',
    `${document.uri.path.split('/').at(-1)} is no prompt template.`,
    'A .prompty file is one, and a .prompt.md with inputs or a sample in its front matter.',
  );
}
