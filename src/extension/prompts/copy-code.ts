import * as vscode from 'vscode';
import { CODE_LANGUAGES } from '../../code/prompt-code.ts';
import type { CodeLanguage } from '../../protocol/prompt.ts';
import type { EngineService } from '../engine/service.ts';
import { HostError } from '../errors.ts';
import { exportOnnx } from '../runs/onnx.ts';
import type { RunStore } from '../runs/store.ts';
import { tell, withProgress } from '../ui.ts';
import type { Answers, Filling } from './answers.ts';
import type { ColumnRef, TemplateModels } from './models.ts';

export interface CopySources {
  answers: Pick<Answers, 'code'>;
  models: Pick<TemplateModels, 'describe'>;
  runs: Pick<RunStore, 'get'>;
  service: Pick<EngineService, 'request'>;
}

/**
 * Puts a program that asks a template's model the same into the clipboard.
 * @param ref undefined where no model is bound
 */
export async function copyCode(
  { answers, models, runs, service }: CopySources,
  document: vscode.TextDocument,
  ref: ColumnRef | undefined,
  filling: Filling,
  language: CodeLanguage,
): Promise<void> {
  const { name, library } = CODE_LANGUAGES[language];
  if (!ref)
    throw new HostError('usage', 'No model is chosen.', 'Choose the one that the program asks.', [
      'chooseTemplateModel',
    ]);
  const { model } = ref;
  const { name: modelName, detail } = await models.describe(ref);
  const { code, needs_onnx } = await withProgress(`Copying as ${name}`, (signal, progress) =>
    answers.code(document, ref, filling, {
      ...{ language, signal, modelName: [modelName, detail].filter(Boolean).join(', ') },
      onWaiting: (message) => progress({ message }),
    }),
  );
  await vscode.env.clipboard.writeText(code);
  const copied = `Copied as ${name}, for ${library} and ${modelName}.`;
  if (!needs_onnx) {
    void tell('information', copied);
    return;
  }
  const run = model.kind === 'run' ? runs.get(model.folder) : undefined;
  const button = 'Export as ONNX';
  const said = `${copied} The program needs the model in ONNX format, which ${run ? 'it does not have yet' : 'its folder does not have'}.`;
  if ((await tell('warning', said, ...(run ? [button] : []))) === button) await exportOnnx(service, run!);
}
