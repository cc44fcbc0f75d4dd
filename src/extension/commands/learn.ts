import { basename } from 'node:path';
import * as vscode from 'vscode';
import { LEARNED_LIMITS, type LearnedCompletion } from '../../completions/learned.ts';
import { counted, formatBytes } from '../../protocol/index.ts';
import { languageName } from '../completions/languages.ts';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import { shorten } from '../format.ts';
import { COMMANDS } from '../ids.ts';
import { BACK, type Choice, choose, Questions } from '../questions.ts';
import { saveSetting } from '../settings.ts';
import { severityIcon } from '../severity.ts';
import { confirm, tell } from '../ui.ts';
import { openAtLine } from '../views/open.ts';
import { requireTrust } from './select.ts';

const TITLE = 'Learn from My Completions';
const REVIEW = 'Learned Completions';

/** Turns learning on, after saying plainly what is kept; or off, with or without what is kept. */
export async function learnFromCompletions(luthier: Luthier): Promise<void> {
  requireTrust();
  const { learning } = luthier.completions;
  if (!learning.isOn) return await turnOn(luthier);
  await learning.flush();
  const { rows } = await learning.store.read();
  const kept = rows.length > 0;
  const next = await choose<'review' | 'off' | 'delete'>({
    title: TITLE,
    placeholder: `Learning is on; ${keptText(rows)}`,
    items: [
      ...(kept ? [{ label: '$(list-flat) Review Learned Completions…', value: 'review' as const }] : []),
      { label: '$(circle-slash) Turn Off', ...(kept && { detail: 'Keeps what there is' }), value: 'off' },
      ...(kept ? [{ label: '$(trash) Turn Off and Delete All…', value: 'delete' as const }] : []),
    ],
  });
  if (next === 'review') return await reviewLearned(luthier);
  if (next === 'delete') await confirmDelete(rows);
  await saveSetting('luthier.completions.learn', false);
  if (next === 'delete') await learning.store.delete();
}

async function turnOn(luthier: Luthier): Promise<void> {
  const { file } = luthier.completions.learning.store;
  const button = 'Turn On';
  const answer = await tell(
    'information',
    'Learn from your completions?',
    {
      modal: true,
      detail: [
        `Luthier then keeps each suggestion that you see, with the text around it (at most ${LEARNED_LIMITS.before.toLocaleString('en')} characters before it and ${LEARNED_LIMITS.after} after it), and what you let stand or wrote instead, as it is a minute later. Update My Model learns from it.`,
        'Secrets are masked. Nothing is kept of files that Git ignores or that may hold secrets, nor in workspaces that you do not trust.',
        `It is kept in ${file} on this machine, for all workspaces: at most ${formatBytes(LEARNED_LIMITS.bytes)}, of which the oldest go first. Nothing leaves this machine.`,
        'Review Learned Completions… shows it and deletes some or all of it.',
      ].join('\n\n'),
    },
    button,
  );
  if (answer !== button) throw new Cancelled();
  await saveSetting('luthier.completions.learn', true);
}

/** Shows what is kept, as a dataset or a file, and takes some or all of it away. */
export async function reviewLearned(luthier: Luthier): Promise<void> {
  const { learning } = luthier.completions;
  const { store } = learning;
  await learning.flush();
  const { rows, broken } = await store.read();
  if (rows.length + broken.length === 0) {
    const [on, hint] = learning.isOn
      ? [[], 'They are kept a minute after you have accepted or replaced them.']
      : [['Turn On…'], 'Learning from them is off.'];
    const answer = await tell('information', `No completions are kept. ${hint}`, ...on);
    if (answer) await vscode.commands.executeCommand(COMMANDS.learnFromCompletions);
    return;
  }
  const next = await choose<'inspect' | 'open' | 'some' | 'all'>({
    title: REVIEW,
    placeholder: keptText(rows),
    ...(broken.length > 0 && {
      notice: {
        message: `${brokenText(broken)} of ${basename(store.file)} cannot be read and ${broken.length === 1 ? 'is' : 'are'} skipped.`,
        hint: 'Open File shows it; you can delete it there.',
        icon: severityIcon(luthier.extension.extensionUri, 'warning'),
      },
    }),
    items: [
      ...(rows.length > 0
        ? [
            { label: '$(database) Inspect Dataset', detail: 'Each row as a model sees it', value: 'inspect' as const },
            { label: '$(checklist) Remove Some…', value: 'some' as const },
          ]
        : []),
      { label: '$(go-to-file) Open File', detail: store.file, value: 'open' },
      { label: '$(trash) Delete All…', value: 'all' },
    ],
  });
  if (next === 'open') await openAtLine(store.file, broken[0] ?? 1);
  if (next === 'inspect') {
    const name = basename(store.file);
    luthier.inspections.show({ kind: 'added', path: store.file, name, record: null, summary: null });
  }
  if (next === 'some') await removeSome(luthier, rows);
  if (next === 'all') {
    await confirmDelete(rows);
    await store.delete();
  }
}

async function removeSome(luthier: Luthier, rows: readonly LearnedCompletion[]): Promise<void> {
  const questions = new Questions(REVIEW);
  try {
    const ids = await questions.askMany<string>({
      placeholder: 'Which completions should be removed?',
      items: [...rows].reverse().map(rowItem),
    });
    if (ids === BACK) return;
    const count = await luthier.completions.learning.store.remove(ids);
    void tell('information', `${counted(count, 'completion')} ${count === 1 ? 'was' : 'were'} removed.`);
  } finally {
    questions.dispose();
  }
}

const WORDS = { accepted: 'accepted', partly: 'accepted in part', rejected: 'written instead' } as const;

const rowItem = ({
  id,
  at,
  outcome,
  edited,
  language,
  file,
  prompt,
  completion,
}: LearnedCompletion): Choice<string> => {
  const line = prompt.slice(prompt.lastIndexOf('\n') + 1);
  const day = new Date(at);
  return {
    label: shorten(completion.replace(/\s+/g, ' ').trim(), 60),
    description: [
      edited ? 'accepted and edited' : WORDS[outcome],
      file ?? languageName(language),
      Number.isNaN(day.valueOf()) ? at : day.toLocaleString(vscode.env.language),
    ].join(' · '),
    ...(line.trim() !== '' && { detail: shorten(`After: ${line.trim()}`, 120) }),
    value: id,
  };
};

async function confirmDelete(rows: readonly LearnedCompletion[]): Promise<void> {
  await confirm(
    rows.length === 1 ? 'Delete the learned completion?' : `Delete all ${counted(rows.length, 'learned completion')}?`,
    'They are deleted for all windows and workspaces. Models that have learned from them stay as they are, and so do datasets that were made of them.',
    'Delete',
  );
}

/** “12 completions are kept: 7 accepted, 3 accepted in part, 2 written instead”. */
export function keptText(rows: readonly LearnedCompletion[]): string {
  if (rows.length === 0) return 'no completions are kept yet';
  const parts = (Object.keys(WORDS) as (keyof typeof WORDS)[]).flatMap((outcome) => {
    const count = rows.filter((row) => row.outcome === outcome).length;
    return count === 0 ? [] : [`${count} ${WORDS[outcome]}`];
  });
  return `${counted(rows.length, 'completion')} ${rows.length === 1 ? 'is' : 'are'} kept: ${parts.join(', ')}`;
}

/** “Line 12”, “Lines 3 and 12”, “12 lines”. */
function brokenText(lines: readonly number[]): string {
  const [first, second] = lines;
  if (lines.length === 1) return `Line ${first}`;
  return lines.length === 2 ? `Lines ${first} and ${second}` : counted(lines.length, 'line');
}
