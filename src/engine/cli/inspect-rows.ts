import type { DataSummary, LabelsWritten, TaskName } from '../../protocol/index.ts';
import { type InspectOptions, inspectData } from '../data/inspect.ts';
import { allTasks, taskOfData } from '../tasks/registry.ts';
import { type ColumnOptions, columnsFrom, labelsWrittenIn, refuseOtherColumns, taskFrom } from './column-options.ts';

/** What commands that look at a file's rows take to say what these are. */
export interface RowOptions extends ColumnOptions {
  task?: TaskName;
  encoding?: string;
}

/**
 * What a file holds, read as a command's options say, and how several labels of a row are written, where they say that.
 * @throws LuthierError `usage` for options that do not fit, and as inspectData
 */
export async function inspectRows(
  file: string,
  options: RowOptions,
  onProgress?: InspectOptions['onProgress'],
): Promise<{ summary: DataSummary; how: LabelsWritten | undefined }> {
  const how = labelsWrittenIn(options, options.task);
  const task = taskFrom(options.task, how);
  const columns = columnsFrom(options);
  const summary = await inspectData(
    { file, task, columns, encoding: options.encoding, onProgress },
    task ? [taskOfData({ task, ...how })] : allTasks,
  );
  refuseOtherColumns(columns, summary.task, 'The rows are for');
  return { summary, how };
}
