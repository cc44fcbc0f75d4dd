import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './process.ts';
import type { Result, Sample } from './spec.ts';

interface Measured {
  name: string;
  what: string;
  target: number | null;
  command: string;
  peer: Result['peer'];
  ours: readonly Sample[];
  peers: readonly Sample[];
}

const machine = () =>
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}`;

export function resultOf({ name, what, target, command, peer, ours, peers }: Measured): Result {
  const ratios = ours.map((sample, i) => sample.ms / peers[i]!.ms);
  const times = (side: readonly Sample[]) => side.map((s) => s.ms);
  const spread = (values: number[]) => (Math.max(...values) - Math.min(...values)) / median(values);
  const peak = (side: readonly Sample[]) => Math.max(...side.map((s) => s.peak_rss_bytes));
  return {
    case: name,
    measures: what,
    ms: median(times(ours)),
    peer,
    peer_ms: median(times(peers)),
    ratio: median(ratios),
    ratios,
    spread: spread(times(ours)),
    peer_spread: spread(times(peers)),
    peak_rss_bytes: peak(ours),
    peer_peak_rss_bytes: peak(peers),
    target,
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
    command,
  };
}

const resultsFile = (root: string) => join(root, 'bench/results.json');

export function readResults(root: string): Result[] {
  return existsSync(resultsFile(root)) ? (JSON.parse(readFileSync(resultsFile(root), 'utf8')) as Result[]) : [];
}

/** Written after each case, so that a run that is ended loses nothing. */
export function saveResult(root: string, result: Result): void {
  const others = readResults(root).filter((r) => r.case !== result.case || r.peer !== result.peer);
  writeFileSync(resultsFile(root), `${JSON.stringify([...others, result], null, 2)}\n`);
}

const seconds = (ms: number) => (ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);
const gigabytes = (bytes: number) => (bytes === 0 ? '–' : `${(bytes / 1e9).toFixed(2)} GB`);
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

export function printResult(r: Result): string {
  const target = r.target === null ? '' : ` (target ${r.target})`;
  return [
    `${r.case}: ${r.measures}`,
    `  ours ${seconds(r.ms)} (spread ${percent(r.spread)}, ${gigabytes(r.peak_rss_bytes)}), ${r.peer} ${seconds(r.peer_ms)} (spread ${percent(r.peer_spread)}, ${gigabytes(r.peer_peak_rss_bytes)})`,
    `  ratio ${r.ratio.toFixed(2)}${target}; pairs ${r.ratios.map((x) => x.toFixed(2)).join(' ')}`,
    `  repeat: ${r.command}`,
  ].join('\n');
}

/** bench/RESULTS.md, made from bench/results.json. */
export function writeMarkdown(root: string): void {
  const results = readResults(root);
  const machines = [...new Set(results.map((r) => `${r.machine} (${r.date})`))];
  const rows = results.map(
    (r) =>
      `| ${r.measures} | ${seconds(r.ms)} | ${seconds(r.peer_ms)} | **${r.ratio.toFixed(2)}** | ${r.target ?? '–'} | ${percent(r.spread)} / ${percent(r.peer_spread)} | ${gigabytes(r.peak_rss_bytes)} / ${gigabytes(r.peer_peak_rss_bytes)} | \`${r.command}\` |`,
  );
  const text = [
    '# Measured against PyTorch',
    '',
    'Made by `luthier bench`; do not edit. Both sides run in one session and take turns. A ratio below 1 means that Luthier is faster.',
    `PyTorch is 2.13 with transformers 5.23, sdpa attention and fused AdamW (bench/peers). Machine: ${machines.join('; ')}.`,
    '',
    '| case | Luthier | PyTorch | ratio | target | spread, ours / peer’s | peak memory, ours / peer’s | repeat |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  writeFileSync(join(root, 'bench/RESULTS.md'), text);
}
