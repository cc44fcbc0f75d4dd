import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { contains, isOwnFile } from '../../files/folders.ts';
import {
  type Columns,
  type DatasetMessage,
  type DatasetRequest,
  type LabelsWritten,
  lackingFields,
  type OtherLearning,
  parseDatasetRequest,
  parseDatasetState,
  type TaskName,
} from '../../protocol/index.ts';
import { type Dataset, rowsFile } from '../datasets/dataset.ts';
import { sourceOf } from '../datasets/of-run.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { EngineService } from '../engine/service.ts';
import { isCancelled, toHostError } from '../errors.ts';
import { COMMANDS, PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import { openAtLine, openRow } from './open.ts';
import { Panel } from './panel.ts';
import { Panels } from './panels.ts';

export interface InspectionOptions {
  extension: vscode.Uri;
  datasets: DatasetStore;
  service: EngineService;
  log: Log;
  /** Asks for a model that is fit for a task. @throws Cancelled when that is dismissed */
  askModel: (task: TaskName, before: string | undefined) => Promise<string>;
}

/** The pages of Inspect Dataset, one a dataset. */
export class Inspections extends Panels<Dataset> {
  private readonly options: InspectionOptions;

  constructor(options: InspectionOptions) {
    super(PANELS.dataset, options.extension);
    this.options = options;
  }

  protected keyOf({ path }: Dataset): string {
    return path;
  }

  protected titleOf({ name }: Dataset): string {
    return name;
  }

  protected async find(state: unknown): Promise<Dataset | undefined> {
    const parsed = parseDatasetState(state);
    const path = parsed.ok ? parsed.message.path : '';
    return (await this.options.datasets.list()).find((known) => known.path === path);
  }

  protected start(panel: vscode.WebviewPanel, dataset: Dataset): Inspection {
    return new Inspection(panel, dataset, this.options);
  }
}

class Inspection {
  private readonly dataset: Dataset;
  private readonly options: InspectionOptions;
  private readonly wire: Panel<DatasetRequest, DatasetMessage>;
  private readonly saved: vscode.Disposable;
  private rows: LabelsWritten & { task?: TaskName; columns: Columns } = { columns: {} };
  /** What the person said that the rows are for, where they look like something else. */
  private other: OtherLearning | null = null;
  private reading: AbortController | null = null;
  private previewing: AbortController | null = null;
  /** By whose tokenizer and chat template what is learnt is shown; the engine's choice where none was picked. */
  private model: string | undefined;

  constructor(panel: vscode.WebviewPanel, dataset: Dataset, options: InspectionOptions) {
    this.dataset = dataset;
    this.options = options;
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'dataset', title: dataset.name },
      options.log,
      parseDatasetRequest,
      (request) => this.handle(request),
      (request, error) =>
        error && {
          type: 'failed',
          request: request.type,
          id: request.type === 'rows' ? request.id : null,
          error,
        },
    );
    this.saved = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      if (uri.fsPath !== rowsFile(dataset)) return;
      this.sendSnapshot().catch((error: Error) => options.log.error(error));
    });
  }

  dispose(): void {
    this.saved.dispose();
    this.reading?.abort();
    this.previewing?.abort();
  }

  private async handle(request: Exclude<DatasetRequest, { type: 'log' | 'pageFailed' | 'reload' | 'showLog' }>) {
    const { dataset } = this;
    const service = vscode.workspace.isTrusted ? this.options.service : null;
    switch (request.type) {
      case 'ready':
        return await this.sendSnapshot();
      case 'rows':
        return await this.sendRows(request);
      case 'preview':
        return await this.sendPreview(request.choose);
      case 'openRow':
        // A row that was added later stands in the dataset's own file.
        if (request.file === rowsFile(dataset)) return await openAtLine(request.file, request.line);
        // Each row is a file: it stands there as it is today.
        if (dataset.record?.source?.paths)
          return await openAtLine(await fileOfRow(dataset, request.file), request.line);
        return await openRow(service, dataset.path, rowsFile(dataset), request.line);
      case 'openLine':
        return await openRow(service, dataset.path, rowsFile(dataset), request.line);
      case 'openFile': {
        const source = await sourceOf(dataset.path);
        return await openAtLine(source?.file ?? rowsFile(dataset), 1);
      }
      case 'fineTune':
        await vscode.commands.executeCommand(COMMANDS.fineTuneDataset, dataset);
        return;
      case 'readAs':
        this.other = request.other;
        return await this.sendSnapshot();
    }
  }

  private async sendSnapshot(): Promise<void> {
    const { dataset, options } = this;
    const { problem_type: _, ...how } = this.other ?? {};
    const summary = await options.datasets.inspect(dataset, { other: this.other });
    this.rows = { task: summary.task, columns: summary.guess, ...how };
    const source = await sourceOf(dataset.path);
    const place = vscode.workspace.asRelativePath(dataset.path);
    this.wire.post({
      type: 'snapshot',
      path: dataset.path,
      name: dataset.name,
      place: dataset.record?.source?.paths
        ? `Made from files of ${dataset.record.source.file}, a row each`
        : source
          ? `Made from ${basename(source.file)}; line numbers are those of that file`
          : place,
      summary,
      readable: lackingFields(summary.guess, summary.task).length === 0,
      trusted: vscode.workspace.isTrusted,
      otherwise: this.other !== null,
    });
  }

  private async sendPreview(choose: boolean): Promise<void> {
    const { task } = this.rows;
    if (task === undefined) return;
    if (choose) {
      try {
        this.model = await this.options.askModel(task, this.model);
      } catch (error) {
        if (isCancelled(error)) return;
        throw error;
      }
    }
    this.previewing?.abort();
    const controller = new AbortController();
    this.previewing = controller;
    const { path } = this.dataset;
    try {
      const preview = await this.options.service.request(
        'data/preview',
        { data: path, ...this.rows, base: dirname(path), ...(this.model === undefined ? {} : { model: this.model }) },
        { signal: controller.signal },
      );
      this.wire.post({ type: 'preview', preview, problem: null });
    } catch (error) {
      // A later question took its place.
      if (isCancelled(error)) return;
      this.options.log.error(error as Error);
      const { message, hint } = toHostError(error);
      this.wire.post({ type: 'preview', preview: null, problem: hint ? `${message} ${hint}` : message });
    } finally {
      if (this.previewing === controller) this.previewing = null;
    }
  }

  private async sendRows(request: Extract<DatasetRequest, { type: 'rows' }>): Promise<void> {
    this.reading?.abort();
    const controller = new AbortController();
    this.reading = controller;
    const { id, offset, limit, search, label } = request;
    try {
      const found = await this.options.service.request(
        'data/rows',
        {
          data: this.dataset.path,
          ...this.rows,
          offset,
          limit,
          ...(search === '' ? {} : { search }),
          ...(label === null ? {} : { label }),
        },
        { signal: controller.signal },
      );
      this.wire.post({ type: 'rows', id, offset, ...found });
    } catch (error) {
      // A later question took its place.
      if (!isCancelled(error)) throw error;
    } finally {
      if (this.reading === controller) this.reading = null;
    }
  }
}

/** The file that a row was made of, in the folder that the dataset names; its copy where there is none any more. */
async function fileOfRow(dataset: Dataset, file: string): Promise<string> {
  const folder = dataset.record!.source!.file;
  return contains(folder, file) && (await isOwnFile(file)) ? file : rowsFile(dataset);
}
