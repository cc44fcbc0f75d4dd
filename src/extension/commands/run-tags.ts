import * as vscode from 'vscode';
import { cleanTag, cleanTags, counted, tagProblem, tagsProblem } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import type { Run } from '../runs/run.ts';
import { describeRun } from '../runs/starter.ts';
import { shownItem } from '../ui.ts';
import { requireTrust, runsFor } from './select.ts';

interface TagItem extends vscode.QuickPickItem {
  tag: string;
}

/** Lets the person tick the tags of runs, and type new ones. */
export async function tagRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const none = 'There are no runs yet.';
  const runs = await runsFor(luthier, args, (run) => !run.readOnly, { title: 'Edit Tags', none });
  const before = tagsOf(runs);
  const known = [...new Set(luthier.runs.all().flatMap(({ record }) => record.tags ?? []))].sort();
  const picked = await pickTags(runs, known, before);
  // A tag that some of several runs have, and that was left alone, stays with those that have it.
  const added = picked.filter((tag) => before.get(tag) !== runs.length);
  const removed = [...before].filter(([tag, n]) => n === runs.length && !picked.includes(tag)).map(([tag]) => tag);
  for (const run of runs) {
    const own = run.record.tags ?? [];
    const tags = cleanTags([...own.filter((tag) => !removed.includes(tag)), ...added]);
    const problem = tagsProblem(tags);
    if (problem !== null) throw new HostError('usage', `${run.record.name}: ${problem}`);
    if (JSON.stringify(tags) !== JSON.stringify(own)) await describeRun(luthier.runs, run, { tags });
  }
}

/** How many of some runs have each tag. */
function tagsOf(runs: readonly Run[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { record } of runs) for (const tag of record.tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return counts;
}

/** @throws Cancelled when it is dismissed, HostError `usage` for a typed text that is no tag */
async function pickTags(
  runs: readonly Run[],
  known: readonly string[],
  before: ReadonlyMap<string, number>,
): Promise<string[]> {
  const picker = vscode.window.createQuickPick<TagItem>();
  picker.title = runs.length === 1 ? `Tags of ${runs[0]!.record.name}` : `Tags of ${counted(runs.length, 'run')}`;
  picker.placeholder = 'Type a new tag, or select tags';
  picker.canSelectMany = true;
  const item = (tag: string): TagItem => {
    const n = before.get(tag) ?? 0;
    const description = n > 0 && n < runs.length ? `on ${n} of ${runs.length}` : '';
    return shownItem({ label: `$(tag) ${tag}`, tag, description });
  };
  const items = known.map(item);
  picker.items = items;
  picker.selectedItems = items.filter(({ tag }) => before.get(tag) === runs.length);
  let typed = '';
  picker.onDidChangeValue((value) => {
    const selected = new Set(picker.selectedItems.map(({ tag }) => tag));
    typed = cleanTag(value);
    const isNew = typed !== '' && !known.includes(typed);
    const problem = isNew ? tagProblem(typed) : null;
    const fresh: TagItem[] = isNew
      ? [shownItem({ label: `$(add) ${typed}`, tag: typed, description: problem ?? 'new tag', alwaysShow: true })]
      : [];
    picker.items = [...fresh, ...items];
    picker.selectedItems = picker.items.filter(({ tag }) => selected.has(tag) && tag !== typed);
    if (fresh.length > 0 && problem === null) picker.selectedItems = [...picker.selectedItems, ...fresh];
  });
  try {
    return await new Promise<string[]>((resolve, reject) => {
      picker.onDidAccept(() => {
        const tags = picker.selectedItems.map(({ tag }) => tag);
        const problem = tags.map(tagProblem).find((one) => one !== null) ?? null;
        if (problem === null) resolve(tags);
        else reject(new HostError('usage', problem));
      });
      picker.onDidHide(() => reject(new Cancelled()));
      picker.show();
    });
  } finally {
    picker.dispose();
  }
}
