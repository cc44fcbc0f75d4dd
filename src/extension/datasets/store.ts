import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Broken } from '../../files/broken.ts';
import { mapLimited } from '../../files/folders.ts';
import type { Columns, DataSummary, OtherLearning } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { Emitter } from '../events.ts';
import { type Dataset, readMadeDatasets, rowsFile } from './dataset.ts';

export interface DatasetSources {
  service: Pick<EngineService, 'request'>;
  /** Files of the workspace that are or could be datasets. */
  find(): Promise<string[]>;
  homes(): readonly string[];
  /** Files added by hand, remembered between sessions. */
  added: { get(): readonly string[]; set(paths: readonly string[]): Promise<void> };
}

interface Known {
  stamp: string;
  summary: DataSummary;
}

/** The datasets of this window. Lists are quick: rows are only read (by the service) when a person looks at one. */
export class DatasetStore {
  readonly changed = new Emitter<void>();
  /** All of them, after each look. */
  readonly listed = new Emitter<readonly Dataset[]>();
  private readonly sources: DatasetSources;
  private readonly summaries = new Map<string, Known>();
  /** What stands where datasets do and is none, as of the last look. */
  broken: readonly Broken[] = [];
  private datasets: Dataset[] | null = null;
  private loading: Promise<Dataset[]> | null = null;

  constructor(sources: DatasetSources) {
    this.sources = sources;
  }

  /** All of them: made ones first, then files by name. Looks once; `refresh` looks again. */
  async list(): Promise<Dataset[]> {
    if (this.datasets) return this.datasets;
    this.loading ??= this.look().finally(() => {
      this.loading = null;
    });
    return await this.loading;
  }

  get isLoaded(): boolean {
    return this.datasets !== null;
  }

  refresh(): void {
    this.datasets = null;
    this.changed.fire();
  }

  /** Adds files by hand; those already listed are left alone. Returns the new ones. */
  async add(paths: readonly string[]): Promise<string[]> {
    const listed = new Set((await this.list()).map((dataset) => dataset.path));
    const fresh = paths.filter((path) => !listed.has(path));
    if (fresh.length > 0) {
      await this.sources.added.set([...this.sources.added.get(), ...fresh]);
      this.refresh();
    }
    return fresh;
  }

  /** Takes files that were added by hand off the list; their files stay. */
  async forget(paths: readonly string[]): Promise<void> {
    await this.sources.added.set(this.sources.added.get().filter((path) => !paths.includes(path)));
    this.refresh();
  }

  /**
   * Rows, classes and columns as the service finds them, read again when the file changed.
   * @param options.other what is learnt of the rows instead of what they look like
   */
  async inspect(
    dataset: Dataset,
    options: { signal?: AbortSignal; columns?: Columns; other?: OtherLearning | null } = {},
  ): Promise<DataSummary> {
    const file = rowsFile(dataset);
    const stamp = await fileStamp(file);
    const known = this.summaries.get(file);
    const { columns, other } = options;
    if (known && stamp !== null && known.stamp === stamp && !columns && !other) {
      dataset.summary = known.summary;
      return known.summary;
    }
    const { problem_type: task, ...how } = other ?? {};
    const summary = await this.sources.service.request(
      'data/inspect',
      // A folder's rows have their lines in the file that they were taken from.
      {
        file: dataset.kind === 'made' ? dataset.path : file,
        ...(columns && { columns }),
        ...(task && { task, ...how }),
      },
      // A reading that tells how far it is does not count as hung, however large the file.
      { onProgress: () => {}, ...(options.signal && { signal: options.signal }) },
    );
    // As it is read elsewhere is not changed by that.
    if (other) return summary;
    if (stamp !== null) this.summaries.set(file, { stamp, summary });
    dataset.summary = summary;
    return summary;
  }

  private async look(): Promise<Dataset[]> {
    const homes = await mapLimited([...this.sources.homes()], 8, readMadeDatasets);
    const made = homes.flatMap((home) => home.datasets);
    this.broken = homes.flatMap((home) => home.broken);
    const found = await this.sources.find();
    const added = this.sources.added.get();
    const files = new Map<string, Dataset>();
    const entry = (kind: 'found' | 'added', path: string): Dataset => ({
      kind,
      path,
      name: basename(path),
      record: null,
      summary: null,
    });
    for (const path of found) files.set(path, entry('found', path));
    for (const path of added) files.set(path, entry('added', path));
    const datasets = [...made, ...[...files.values()].sort((a, b) => a.name.localeCompare(b.name))];
    await mapLimited(datasets, 16, async (dataset) => {
      const known = this.summaries.get(rowsFile(dataset));
      if (known && known.stamp === (await fileStamp(rowsFile(dataset)))) dataset.summary = known.summary;
    });
    this.datasets = datasets;
    this.listed.fire(datasets);
    return datasets;
  }
}

/** Changes when the file does; null when it is not there. */
async function fileStamp(path: string): Promise<string | null> {
  return await stat(path).then(
    ({ mtimeMs, size }) => `${mtimeMs} ${size}`,
    () => null,
  );
}
