import { basename, dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import { readRegularFile } from '../../files/regular-file.ts';
import { writtenPath } from '../../files/written-path.ts';
import { ALONE, type PromptSurroundings } from '../../prompts/check.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import type { DataSummary } from '../../protocol/index.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { Emitter } from '../events.ts';
import type { Log } from '../log.ts';

/** What the files that a template names have, as far as it has been read. */
export interface Surroundings extends PromptSurroundings {
  /** Values of the sample's file. */
  sampleValues: Readonly<Record<string, unknown>>;
  /** The bound dataset. */
  data: DataSummary | null;
}

const NOTHING: Surroundings = { ...ALONE, sampleValues: {}, data: null };

/** A sample is a handful of values; a file above this is something else. */
const MAX_SAMPLE = 1 << 20;

export interface SurroundingsOptions {
  /** Columns and rows of a dataset; only asked where the engine may be started. */
  inspect(dataset: Dataset): Promise<DataSummary>;
  list(): Promise<Dataset[]>;
  mayStart(): Promise<boolean>;
  log: Log;
}

interface Entry {
  key: string;
  known: Surroundings;
}

/** Reads what templates name, beside them, and tells when it has. What cannot be read is left unknown. */
export class PromptFiles {
  readonly changed = new Emitter<vscode.Uri>();
  private readonly entries = new Map<string, Entry>();
  /** Files of samples that were looked for. */
  private readonly samples = new Set<string>();
  private readonly options: SurroundingsOptions;

  constructor(options: SurroundingsOptions) {
    this.options = options;
  }

  /** What is known by now; what is not is read, and `changed` tells of it. */
  of(uri: vscode.Uri, file: PromptFile): Surroundings {
    const id = uri.toString();
    const key = JSON.stringify([file.sampleFile, file.dataset ?? null]);
    const before = this.entries.get(id);
    if (before?.key === key) return before.known;
    // While a name is typed, what was known stays on screen.
    const entry = { key, known: file.sampleFile === null && !file.dataset ? NOTHING : (before?.known ?? NOTHING) };
    this.entries.set(id, entry);
    if (entry.known === NOTHING && file.sampleFile === null && !file.dataset) return NOTHING;
    void this.read(uri, file).then((known) => {
      if (this.entries.get(id) !== entry) return;
      entry.known = known;
      this.changed.fire(uri);
    });
    return entry.known;
  }

  forget(uri: vscode.Uri): void {
    this.entries.delete(uri.toString());
  }

  /** Whether a file is one that a template takes its sample from. */
  isSample(uri: vscode.Uri): boolean {
    return this.samples.has(uri.fsPath);
  }

  /** Files may have come, gone or changed: all is read again when it is asked for. */
  refresh(): void {
    for (const entry of this.entries.values()) entry.key = '';
  }

  /** The dataset that a template is bound to, listed or not; null where none is there. */
  async datasetOf(uri: vscode.Uri, file: PromptFile): Promise<Dataset | null> {
    if (!file.dataset || uri.scheme !== 'file') return null;
    const path = await writtenPath(dirname(uri.fsPath), file.dataset);
    const listed = (await this.options.list()).find((one) => one.path === path);
    return listed ?? { kind: 'found', path, name: basename(path), record: null, summary: null };
  }

  private async read(uri: vscode.Uri, file: PromptFile): Promise<Surroundings> {
    const [sample, data] = await Promise.all([this.readSample(uri, file), this.readData(uri, file)]);
    return {
      sample: sample && Object.keys(sample),
      sampleValues: sample ?? {},
      columns: data?.columns.map(({ name }) => name) ?? null,
      data,
    };
  }

  private async readSample(uri: vscode.Uri, { sampleFile }: PromptFile): Promise<Record<string, unknown> | null> {
    if (sampleFile === null || uri.scheme !== 'file') return null;
    const folder = dirname(uri.fsPath);
    const path = resolve(folder, sampleFile);
    const isInside = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) !== undefined;
    if (!isInside && dirname(path) !== folder) return null;
    this.samples.add(path);
    try {
      const value: unknown = JSON.parse((await readRegularFile(path, MAX_SAMPLE)).toString('utf8'));
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
    } catch (error) {
      this.options.log.debug(`${path}: ${(error as Error).message}`);
      return null;
    }
  }

  private async readData(uri: vscode.Uri, file: PromptFile): Promise<DataSummary | null> {
    if (!file.dataset || !(await this.options.mayStart())) return null;
    try {
      const dataset = await this.datasetOf(uri, file);
      return dataset && (await this.options.inspect(dataset));
    } catch (error) {
      this.options.log.debug(`${file.dataset}: ${(error as Error).message}`);
      return null;
    }
  }
}
