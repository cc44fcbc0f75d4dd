import * as vscode from 'vscode';
import type { EngineService } from '../engine/service.ts';
import { HostError } from '../errors.ts';
import { withProgress } from '../ui.ts';
import type { Run } from './run.ts';

/** Writes onnx/model.onnx into a run's own model folder, where code to copy looks for it. */
export async function exportOnnx(service: Pick<EngineService, 'request'>, run: Run): Promise<void> {
  if (!vscode.workspace.isTrusted || run.readOnly)
    throw new HostError('run-readonly', run.readOnly ?? 'This workspace is not trusted, so no model is loaded.');
  await withProgress(`Exporting ${run.record.name} as ONNX`, (signal, progress) =>
    service.request('export', { run: run.folder, format: 'onnx' }, { signal, onProgress: progress }),
  );
}
