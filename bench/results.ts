import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './process.ts';
import type { Contender, Measured, Peer, Rates, Result, Round, SizeResult } from './spec.ts';

export interface Described {
  name: string;
  what: string;
  target: number | null;
  command: string;
  /** Figure of each round that the case is about. */
  figure: string;
  /** The rounds are parts of one whole: their times are added up. */
  whole?: true;
  /** Losses on rows that were not trained on. */
  heldOut?: Partial<Record<Contender, number>>;
  rounds: readonly Round[];
  rates: Rates;
  /** Floating-point operations of the case's matrix products. */
  operations: number | null;
  versions: Record<string, string>;
}

export const machine = () =>
  `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;

/** Our time over that of another checkout of ours, beyond which it counts as slower: less is noise. */
const NOT_SLOWER = 1.03;

/** Compares us with one peer over the rounds in which both were measured. */
export function resultOf(peer: Peer, described: Described): Result {
  const { name, what, target, command, figure, whole, heldOut, rounds, rates, operations, versions } = described;
  const both = rounds.filter((round) => round.luthier && round[peer]);
  const of = (side: Contender) => both.map((round) => round[side]!);
  const [ours, peers] = [of('luthier'), of(peer)];
  const ms = (side: readonly Measured[], what = figure) => side.map(({ figures }) => figures[what]!);
  const ratios = ms(ours).map((value, i) => value / ms(peers)[i]!);
  const typical = whole ? sum : median;
  const perplexity = (side: Contender) => (heldOut?.[side] === undefined ? undefined : Math.exp(heldOut[side]));
  const spread = (values: number[]) => (Math.max(...values) - Math.min(...values)) / median(values);
  const peak = (side: readonly Measured[]) => Math.max(...side.map((s) => s.peak_rss_bytes));
  const accuracies = (side: readonly Measured[]) => side.flatMap(({ accuracy }) => accuracy ?? []);
  const losses = (side: readonly Measured[]) => side.flatMap(({ losses }) => losses ?? []);
  const apart = losses(ours).map((loss, i) => Math.abs(loss - losses(peers)[i]!));
  const fraction = (side: Contender, values: number[]) => {
    const rate = rates[side === 'pytorch, grouped by length' ? 'pytorch' : side];
    return rate && operations ? operations / (rate * 1e6) / median(values) : undefined;
  };
  return {
    case: name,
    measures: what,
    ms: typical(ms(ours)),
    peer,
    peer_ms: typical(ms(peers)),
    ratio: whole ? sum(ms(ours)) / sum(ms(peers)) : median(ratios),
    ratios,
    spread: spread(ms(ours)),
    peer_spread: spread(ms(peers)),
    peak_rss_bytes: peak(ours),
    peer_peak_rss_bytes: peak(peers),
    target: peer === 'pytorch' ? target : peer === 'before' ? NOT_SLOWER : null,
    ...defined({
      accuracies: accuracies(ours).length > 0 ? accuracies(ours) : undefined,
      peer_accuracies: accuracies(peers).length > 0 ? accuracies(peers) : undefined,
      fraction_of_limit: fraction('luthier', ms(ours)),
      peer_fraction_of_limit: fraction(peer, ms(peers)),
      loss_difference: apart.length > 0 ? Math.max(...apart) : undefined,
      losses_compared: apart.length > 0 ? apart.length : undefined,
      held_out_perplexity: perplexity('luthier'),
      peer_held_out_perplexity: perplexity(peer),
      before_step_ms: figure === 'first-step' ? median(ms(ours, 'before-step')) : undefined,
    }),
    machine: machine(),
    versions,
    date: new Date().toISOString().slice(0, 10),
    command,
  };
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

const resultsFile = (root: string) => join(root, 'bench/results.json');

type AnyResult = Result | SizeResult;

function readResults(root: string): AnyResult[] {
  return existsSync(resultsFile(root)) ? (JSON.parse(readFileSync(resultsFile(root), 'utf8')) as AnyResult[]) : [];
}

const isCompared = (r: AnyResult): r is Result => r.peer !== null;

const identity = (r: AnyResult) => `${r.machine} ${r.case} ${r.peer}`;

/** Written after each case, so that a call that is ended loses nothing; `order` is the cases'. */
export function saveResult(root: string, result: AnyResult, order: readonly string[]): void {
  const results = [...readResults(root).filter((r) => identity(r) !== identity(result)), result];
  const place = (r: AnyResult) => order.indexOf(r.case);
  const peer = (r: AnyResult) => r.peer ?? '';
  results.sort((a, b) => a.machine.localeCompare(b.machine) || place(a) - place(b) || peer(a).localeCompare(peer(b)));
  writeFileSync(resultsFile(root), `${JSON.stringify(results, null, 2)}\n`);
}

const duration = (ms: number) => (ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);
const gigabytes = (bytes: number) => (bytes === 0 ? '–' : `${(bytes / 1e9).toFixed(2)} GB`);
const percent = (share: number | undefined) => (share === undefined ? '–' : `${(100 * share).toFixed(0)} %`);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;

/** Each seed's accuracy on both sides, and the means; null where the case has none. */
function accuracyOf({ accuracies, peer_accuracies, peer }: Result): string | null {
  if (!accuracies || !peer_accuracies) return null;
  const list = (values: readonly number[]) => values.map((a) => a.toFixed(3)).join(' ');
  return `accuracy, same seeds: ours ${list(accuracies)}, mean ${mean(accuracies).toFixed(4)}; ${peer} ${list(peer_accuracies)}, mean ${mean(peer_accuracies).toFixed(4)}`;
}

const lossOf = ({ loss_difference, losses_compared, peer }: Result): string | null =>
  loss_difference === undefined
    ? null
    : `loss of ${losses_compared} steps, same rows, same weights at the start: at most ${loss_difference.toPrecision(2)} from ${peer}’s`;

const heldOutOf = ({ held_out_perplexity: ours, peer_held_out_perplexity: theirs, peer }: Result): string | null =>
  ours === undefined || theirs === undefined
    ? null
    : `perplexity on rows held out: ours ${ours.toFixed(4)}, ${peer} ${theirs.toFixed(4)}`;

const beforeOf = ({ before_step_ms }: Result): string | null =>
  before_step_ms === undefined ? null : `${duration(before_step_ms)} before the step begins`;

/** Whether another checkout was as fast: where the pairs disagree on who was faster, nobody was. */
const verdictOf = ({ peer, ratio, ratios }: Result): string | null =>
  peer !== 'before' ? null : ratio <= NOT_SLOWER || Math.min(...ratios) <= 1 ? 'not slower' : 'SLOWER';

export function printResult(r: Result): string {
  const target = r.target === null ? '' : ` (target ${r.target})`;
  return [
    `${r.case}: ${r.measures}`,
    `  ours ${duration(r.ms)} (spread ${percent(r.spread)}, ${gigabytes(r.peak_rss_bytes)}), ${r.peer} ${duration(r.peer_ms)} (spread ${percent(r.peer_spread)}, ${gigabytes(r.peer_peak_rss_bytes)})`,
    `  ratio ${r.ratio.toFixed(2)}${target}; pairs ${r.ratios.map((x) => x.toFixed(2)).join(' ')}`,
    ...[verdictOf(r), accuracyOf(r), lossOf(r), heldOutOf(r), beforeOf(r)].flatMap((line) =>
      line ? [`  ${line}`] : [],
    ),
    `  of the arithmetic limit: ours ${percent(r.fraction_of_limit)}, ${r.peer} ${percent(r.peer_fraction_of_limit)}`,
    `  repeat: ${r.command}`,
  ].join('\n');
}

/** A result without a peer, and whether it keeps what was set. */
export function printSize(r: SizeResult): string {
  const [time, memory] = [duration(r.ms), gigabytes(r.peak_rss_bytes)];
  return [
    `${r.case}: ${r.measures}`,
    `  ${time}${r.target_ms === null ? '' : ` (target ${duration(r.target_ms)})`}, ${memory} at most (target ${gigabytes(r.target_bytes)})`,
    `  repeat: ${r.command}`,
  ].join('\n');
}

const SIZE_HEADER = [
  '| size, without a peer | Luthier | target | peak memory | target | repeat |',
  '|---|---|---|---|---|---|',
];

const sizeRow = (r: SizeResult): string =>
  `| ${r.measures} | ${duration(r.ms)} | ${r.target_ms === null ? '–' : `≤ ${duration(r.target_ms)}`} | ${gigabytes(r.peak_rss_bytes)} | ≤ ${gigabytes(r.target_bytes)} | \`${r.command}\` |`;

const HEADER = [
  '| case | Luthier | peer | ratio (pairs) | target | peak memory | spread | of the limit | repeat |',
  '|---|---|---|---|---|---|---|---|---|',
];

function row(r: Result): string {
  const pairs = r.ratios.map((x) => x.toFixed(2)).join(' ');
  const before = beforeOf(r);
  const cells = [
    `${r.measures}${before ? ` (${before})` : ''}`,
    duration(r.ms),
    `${r.peer} ${duration(r.peer_ms)}`,
    `**${r.ratio.toFixed(2)}** (${pairs})`,
    r.target === null ? '–' : `≤ ${r.target}`,
    `${gigabytes(r.peak_rss_bytes)} / ${gigabytes(r.peer_peak_rss_bytes)}`,
    `${percent(r.spread)} / ${percent(r.peer_spread)}`,
    `${percent(r.fraction_of_limit)} / ${percent(r.peer_fraction_of_limit)}`,
    `\`${r.command}\``,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Every version of each library that results were measured with, and the days. */
function measuredWith(results: readonly AnyResult[]): { versions: string[]; dates: string } {
  const found = new Map<string, Set<string>>();
  for (const { versions } of results)
    for (const [library, version] of Object.entries(versions))
      found.set(library, (found.get(library) ?? new Set()).add(version));
  const versions = [...found].map(([library, each]) => `${library} ${[...each].sort().join(' and ')}`);
  return { versions, dates: [...new Set(results.map((r) => r.date))].sort().join(', ') };
}

/** The tables of each machine, as they stand in bench/RESULTS.md and in the README. */
function tables(results: readonly AnyResult[]): string[] {
  const machines = [...new Set(results.map((r) => r.machine))];
  return machines.flatMap((name) => {
    const here = results.filter((r) => r.machine === name);
    const { versions, dates } = measuredWith(here);
    const compared = here.filter(isCompared);
    const sizes = here.filter((r) => !isCompared(r));
    return [
      `**${name}**; ${versions.join(', ')}; ${dates}.`,
      '',
      ...(compared.length > 0 ? [...HEADER, ...compared.map(row), ''] : []),
      ...(sizes.length > 0 ? [...SIZE_HEADER, ...sizes.map(sizeRow), ''] : []),
      ...compared.flatMap((r) =>
        [accuracyOf(r), lossOf(r), heldOutOf(r)].flatMap((line) => (line ? [`- ${r.case}: ${line}`] : [])),
      ),
      '',
    ];
  });
}

const MARKS = ['<!-- made by luthier bench -->', '<!-- end of what luthier bench makes -->'] as const;

/** Cases that the README tells of, where they were measured. */
const BRIEF = [
  'bert-base',
  'bert-base-lora-8bit',
  'first-step-minilm',
  'train-1000',
  'predict-10000',
  'bert-base-head',
  'decoder-epoch',
  'decoder-token-128',
];

/** The README's share of the results: times beside PyTorch's, a column for each machine, in ten lines. */
function writeReadme(root: string, results: readonly Result[]): void {
  const file = join(root, 'README.md');
  const text = readFileSync(file, 'utf8');
  const [from, to] = MARKS.map((mark) => text.indexOf(mark)) as [number, number];
  const beside = results.filter((r) => r.peer === 'pytorch');
  if (from < 0 || to < from || beside.length === 0) return;
  const brief = beside.filter((r) => BRIEF.includes(r.case));
  const shown = brief.length > 0 ? brief : beside.slice(0, BRIEF.length);
  const machines = [...new Set(shown.map((r) => r.machine))];
  const { versions, dates } = measuredWith(shown);
  const libraries = versions.filter((text) => /^(PyTorch|transformers) /.test(text));
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (found: Result | undefined) =>
    found ? `${duration(found.ms)} / ${duration(found.peer_ms)}: **${found.ratio.toFixed(2)}**` : 'not measured';
  const names = [...new Set(shown.map((r) => r.case))].sort((a, b) => BRIEF.indexOf(a) - BRIEF.indexOf(b));
  const lines = names.map((name) => {
    const ofCase = shown.filter((r) => r.case === name);
    return row([ofCase[0]!.measures, ...machines.map((machine) => cell(ofCase.find((r) => r.machine === machine)))]);
  });
  const section = [
    MARKS[0],
    `Luthier’s median time / PyTorch’s, then in bold the median of the ratios of single pairs, in which both sides take turns: below 1 Luthier is faster. ${[...libraries, dates].join('; ')}.`,
    '',
    row(['', ...machines]),
    `|${'---|'.repeat(1 + machines.length)}`,
    ...lines,
    '',
  ];
  writeFileSync(file, text.slice(0, from) + section.join('\n') + text.slice(to));
}

const WORDS = [
  'Both sides run in one session and take turns; times are medians, ratios are Luthier’s time over the peer’s in the same pair (the median of all pairs, then each), so below 1 Luthier is faster. PyTorch runs transformers’ model with sdpa attention and fused AdamW (bench/peers); tfjs-node runs the same TensorFlow.js program as Luthier, op by op; llama.cpp has the same weights in Q8_0. Of a model that writes, the peer’s steps are peft’s LoRA and its tokens transformers’ generate. Peak memory, spread ((largest − smallest) / median) and the share of the limit are Luthier’s / the peer’s. The limit is the arithmetic: the floating-point operations of the matrix products that must be computed (bench/arithmetic.ts) over the rate of a product of the case’s width, measured with the side’s own library in the same session.',
];

/** bench/RESULTS.md and the README's section, made from bench/results.json. */
export function writeMarkdown(root: string): void {
  const text = [
    '# Measured against PyTorch, tfjs-node and llama.cpp',
    '',
    'Made by `luthier bench`; do not edit. What was tried, and why a target is not reached: [NOTES.md](NOTES.md).',
    '',
    ...WORDS,
    '',
    ...tables(readResults(root)),
    '## How cost grows',
    '',
    'Made by `node dist/bench/growth.mjs` (bench/growth.json).',
    '',
    ...['tokens', 'length', 'layers', 'width', 'context']
      .filter((axis) => existsSync(join(root, `bench/plots/${axis}.svg`)))
      .map((axis) => `![Time and memory against ${axis}](plots/${axis}.svg)`),
    '',
  ].join('\n');
  writeFileSync(join(root, 'bench/RESULTS.md'), text);
  writeReadme(root, readResults(root).filter(isCompared));
}
