import { readdir, stat } from 'node:fs/promises';
import { arch, cpus, homedir, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { readTail } from '../../files/tail.ts';
import type { BackendStatus } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { toHostError } from '../errors.ts';
import { SETTINGS, type SettingName } from '../ids.ts';
import { setting } from '../settings.ts';

/** The end of the log that a report carries. */
const LOG_BYTES = 12_000;

/** Opens a report for a person to read, complete and send: what runs where, and the end of the log. */
export async function reportProblem(luthier: Luthier): Promise<void> {
  const { extension } = luthier;
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const content = reportText({
    luthier: String((extension.extension.packageJSON as { version?: unknown }).version),
    vscode: `${vscode.env.appName} ${vscode.version}${vscode.env.remoteName ? `, remote (${vscode.env.remoteName})` : ''}`,
    backends: await backends(luthier),
    settings: (Object.keys(SETTINGS) as SettingName[])
      .map((name) => [name, setting(name)] as const)
      .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(SETTINGS[name])),
    runs: luthier.runs.all().map((run) => run.state),
    log: withoutData(await logTail(extension.logUri.fsPath), [...folders, extension.globalStorageUri.fsPath]),
  });
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
  await vscode.window.showTextDocument(document);
}

export interface ReportParts {
  luthier: string;
  vscode: string;
  /** What can compute here, or why that is not known. */
  backends: string;
  /** Those that differ from their defaults. */
  settings: readonly (readonly [string, unknown])[];
  runs: readonly string[];
  log: string;
}

/** The report as Markdown. Of settings that are paths or lists of them only that they are set is said. */
export function reportText(parts: ReportParts): string {
  const shown = (value: unknown) =>
    typeof value === 'string' || Array.isArray(value) ? (isPlainWord(value) ? String(value) : 'set') : String(value);
  const states = [...new Set(parts.runs)].sort();
  const counts = states.map((state) => `${parts.runs.filter((one) => one === state).length} ${state}`);
  const rows = [
    ['Luthier', parts.luthier],
    ['VS Code', parts.vscode],
    ['System', `${platform()} ${release()} ${arch()}`],
    ['Processor', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} threads`],
    ['Memory', `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ['Backends', parts.backends],
    ['Settings', parts.settings.map(([name, value]) => `${name}: ${shown(value)}`).join('; ') || 'defaults'],
    ['Runs', counts.join(', ') || 'none'],
  ];
  return [
    '# Problem report',
    '',
    '<!-- Say what you did, what you expected, and what happened instead. -->',
    '',
    '',
    '## Environment',
    '',
    ...rows.map(([name, value]) => `- ${name}: ${value}`),
    '',
    '## The end of the log',
    '',
    '<!-- Paths and quoted texts have been removed. Read this before you send it. -->',
    '',
    '```text',
    parts.log.replaceAll('```', '` ` `') || '(empty)',
    '```',
    '',
  ].join('\n');
}

/** A choice among a few words, such as a backend; anything else may name a place or a person. */
const isPlainWord = (value: unknown): boolean => typeof value === 'string' && /^[a-z][a-z0-9]*$/.test(value);

/**
 * A log without what was in the data: no paths (their last part may be a person's file), nothing that stood in quotes
 * (labels, texts, names), no addresses and no tokens.
 */
export function withoutData(log: string, folders: readonly string[] = []): string {
  let text = log;
  for (const folder of [...folders, homedir()].filter((one) => one.length > 1))
    text = text.replaceAll(folder, '<folder>');
  return text
    .replace(/hf_\w+/g, '<token>')
    .replace(/\b\w+:\/\/[^\s)"'”]+/g, '<address>')
    .replace(/“[^”\n]*”/g, '“…”')
    .replace(/"[^"\n]*"/g, '"…"')
    .replace(/'[^'\n]*[\s/\\][^'\n]*'/g, "'…'")
    .replace(/<folder>(?:[/\\][^\n:;,()]*)?/g, '<path>')
    .replace(/(?<![\w<.])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:;,()]+[/\\])*[^\s:;,()]+/g, '<path>');
}

async function backends(luthier: Luthier): Promise<string> {
  try {
    const found = await luthier.engine.service.request('backends', { measure: false });
    return found.map((one: BackendStatus) => `${one.name} ${one.usable ? 'usable' : 'not usable'}`).join(', ');
  } catch (error) {
    return `not known (${toHostError(error).code})`;
  }
}

/** The end of the newest log in the extension's log folder. */
async function logTail(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.log'));
  const times = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  const newest = times.sort((a, b) => b.time - a.time)[0];
  return newest ? await readTail(join(folder, newest.name), LOG_BYTES) : '';
}
