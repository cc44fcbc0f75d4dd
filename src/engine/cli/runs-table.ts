import {
  cleanTag,
  cleanTags,
  LuthierError,
  metricColumns,
  RUN_COLUMNS,
  recipeColumns,
  runsCsv,
  tagsProblem,
} from '../../protocol/index.ts';
import { readRun } from '../../runs/client.ts';
import { writeRecordInPlace } from '../../runs/record.ts';
import { readMeasured, runRow } from '../../runs/row.ts';
import { findRun } from '../runs/folder.ts';
import { askProcess } from './ask-process.ts';
import { EXIT, note, printJson, printPart, yellow } from './output.ts';
import { shortPath } from './run-names.ts';
import { everyRun, look } from './runs.ts';

/** Every run with all that the runs table can show, for spreadsheets and pandas. */
export async function printCsv(): Promise<number> {
  const rows = await everyRun(async (folder) => {
    const { record, problem } = await look(folder);
    if (record === null) {
      note(`${yellow('Left out:')} ${shortPath(folder)}: ${problem?.message}`);
      return null;
    }
    return runRow(folder, record, { state: record.state, silent: false, problem: null }, await readMeasured(folder));
  });
  const readable = rows.filter((row) => row !== null).sort((a, b) => b.created_at.localeCompare(a.created_at));
  const columns = [...RUN_COLUMNS, ...recipeColumns(readable), ...metricColumns(readable)];
  // A terminal's line ends, which readers of CSV know as well.
  printPart(runsCsv(readable, columns).replaceAll('\r\n', '\n'));
  return EXIT.done;
}

/** Adds tags to a run, or takes them off; through its process where one works. */
export async function tagRun(
  name: string,
  tags: readonly string[],
  { remove, json }: { remove?: boolean; json?: boolean },
): Promise<number> {
  const folder = await findRun(name, process.cwd());
  const record = await readRun(folder);
  const own = record.tags ?? [];
  const given = tags.map(cleanTag);
  const after = cleanTags(remove ? own.filter((tag) => !given.includes(tag)) : [...own, ...given]);
  const problem = remove ? null : tagsProblem(after);
  if (problem !== null) throw new LuthierError('usage', problem);
  const missing = remove ? given.filter((tag) => !own.includes(tag)) : [];
  if (missing.length > 0) note(`${yellow('Not there:')} ${missing.join(', ')}`);
  // A run that works owns its record.
  if (!(await askProcess({ folder, record }, 'luthier runs tag', 'describe', { tags: after })))
    await writeRecordInPlace(folder, { ...record, tags: after });
  if (json) printJson({ run: folder, tags: after });
  else note(after.length === 0 ? `Run ${record.id} has no tags.` : `Tags of run ${record.id}: ${after.join(', ')}`);
  return EXIT.done;
}
