import { html, nothing, type TemplateResult } from 'lit';
import { type Candidate, type Compared, type Comparison, candidateName } from '../../protocol/comparison.ts';
import type { MetricKey } from '../../protocol/metrics.ts';
import { metricOf } from '../../protocol/metrics.ts';
import {
  bytes,
  capital,
  compact,
  count,
  duration,
  interval,
  languageName,
  metric,
  metricInText,
  percent,
} from '../shared/format.ts';
import { textOf } from './quality-plot.ts';

const NONE = '–';

/** What the table needs to know beside the comparison. */
export interface TableView {
  isWorking: boolean;
  /** Of the candidate at work, how much is done. */
  share: number;
  openRun: (run: string) => void;
}

/** A column that tells candidates apart, or says more of them. */
interface Column {
  title: string;
  isNumber: boolean;
  cell: (candidate: Candidate) => string;
}

/** A line for each candidate: what tells it from the others, then what it came to. */
export function candidatesTable(comparison: Comparison, view: TableView): TemplateResult {
  const { metric: key, candidates } = comparison;
  const own = ownColumns(comparison);
  const facts = comparison.compared === 'models' ? FACTS : [];
  const width = 1 + own.length + 5 + facts.length + 1;
  const inOrder = comparison.compared === 'search' ? bestFirst(candidates, key) : candidates.map((_, at) => at);
  return html`<div class="scroll-x"><table class=${own.length === 0 ? 'candidates' : 'candidates of-values'}>
    <thead><tr>
      ${own.length === 0 ? html`<th scope="col">${NAMES[comparison.compared]}</th>` : own.map(heading)}
      <th scope="col" class="number">${capital(metricInText(key))}</th>
      <th scope="col" class="number">95 % interval</th>
      <th scope="col" class="number">Time</th>
      <th scope="col" class="number">Memory</th>
      <th scope="col" class="number">Size</th>
      ${facts.map(heading)}
      <th scope="col"><span class="visually-hidden">Run</span></th>
    </tr></thead>
    <tbody>${inOrder.map((at) => row(comparison, at, { own, facts, width }, view))}</tbody>
  </table></div>`;
}

const heading = ({ title, isNumber }: Column): TemplateResult =>
  html`<th scope="col" class=${isNumber ? 'number' : ''}>${title}</th>`;

const NAMES: Readonly<Record<Compared, string>> = { ways: 'Way', models: 'Model', search: 'Values' };

const FACTS: readonly Column[] = [
  { title: 'Way', isNumber: false, cell: ({ strategy }) => strategy },
  { title: 'Language', isNumber: false, cell: ({ about }) => about?.languages?.map(languageName).join(', ') ?? NONE },
  { title: 'Licence', isNumber: false, cell: ({ about }) => about?.license ?? NONE },
  { title: 'Parameters', isNumber: true, cell: ({ about }) => (about ? compact(about.parameters) : NONE) },
  { title: 'Token limit', isNumber: true, cell: ({ about }) => (about ? count(about.positions) : NONE) },
];

const UNITS = { num_train_epochs: 'Epochs', max_steps: 'Steps' } as const;

/** Of a search one for each key that it sets, and for how long a rung trains: numbers below numbers can be compared. */
function ownColumns({ compared, candidates }: Comparison): Column[] {
  if (compared !== 'search') return [];
  const keys = [...new Set(candidates.flatMap(({ values = {} }) => Object.keys(values)))];
  const columns = keys.map((key): Column => {
    const tried = candidates.flatMap(({ values = {} }) => (key in values ? [values[key]] : []));
    return {
      title: key,
      isNumber: tried.every((value) => typeof value === 'number'),
      cell: ({ values = {} }) => (key in values ? textOf(values[key]) : NONE),
    };
  });
  const rung = candidates.find((candidate) => candidate.rung !== undefined)?.rung;
  if (rung === undefined) return columns;
  const duration = ({ rung }: Candidate) => (rung ? String(Number(rung.value.toPrecision(3))) : NONE);
  return [...columns, { title: UNITS[rung.key], isNumber: true, cell: duration }];
}

const ORDER: Readonly<Record<Candidate['state'], number>> = {
  done: 0,
  running: 1,
  waiting: 2,
  'left-out': 3,
  failed: 4,
};

/**
 * Candidates of a search, the best first: those that were trained longer before those of earlier rungs, which cannot be
 * compared with them; then what is not measured.
 * @returns their places among the candidates
 */
export function bestFirst(candidates: readonly Candidate[], key: MetricKey): number[] {
  const sign = metricOf(key)?.better === 'lower' ? 1 : -1;
  const rank = ({ state, rung, result }: Candidate): readonly [number, number, number] => [
    ORDER[state],
    -(rung?.rung ?? 0),
    result === null ? 0 : sign * result.value,
  ];
  const ranks = candidates.map(rank);
  return candidates
    .map((_, at) => at)
    .sort((a, b) => {
      const [first, second] = [ranks[a]!, ranks[b]!];
      const differs = first.findIndex((value, i) => value !== second[i]);
      return differs === -1 ? a - b : first[differs]! - second[differs]!;
    });
}

function row(
  { compared, metric: key, choice, candidates }: Comparison,
  at: number,
  { own, facts, width }: { own: readonly Column[]; facts: readonly Column[]; width: number },
  view: TableView,
): TemplateResult {
  const candidate = candidates[at]!;
  const { result, reason, run, title } = candidate;
  const name = candidateName(compared, candidate);
  const isChosen = choice?.candidate === at;
  const mark = isChosen ? html`<span class="codicon codicon-check" role="img" aria-label="Choice"></span> ` : nothing;
  const why = reason === null ? nothing : html`<div class="muted">${reason}</div>`;
  const names =
    own.length === 0
      ? html`<th scope="row">${mark}${name}
          ${compared === 'ways' ? html`<div class="muted">${title}</div>` : nothing}${why}</th>`
      : own.map(({ isNumber, cell }, i) =>
          i === 0
            ? html`<th scope="row" class=${isNumber ? 'value number' : 'value'}>${mark}${cell(candidate)}</th>`
            : html`<td class=${isNumber ? 'number' : 'word'}>${cell(candidate)}</td>`,
        );
  const figures = result
    ? html`<td class="number">${metric(key, result.value)}</td>
        <td class="number">${result.low === null || result.high === null ? html`<span class="muted">too few rows</span>` : interval(key, { low: result.low, high: result.high })}</td>
        <td class="number">${duration(result.wall_s)}</td>
        <td class="number">${bytes(result.peak_rss_bytes)}</td>
        <td class="number">${bytes(result.model_bytes)}${result.adapter_bytes === null ? nothing : html`<br /><span class="muted">adapter ${bytes(result.adapter_bytes)}</span>`}</td>`
    : html`<td class="number" colspan="2"><span class="muted">${stateText(candidate, view)}</span></td>
        <td class="number"><span class="muted">${candidate.estimate_s === null ? NONE : `about ${duration(candidate.estimate_s)}`}</span></td>
        <td class="number">${NONE}</td><td class="number">${NONE}</td>`;
  const open =
    run === null
      ? nothing
      : html`<button class="tool" title="Open Run" aria-label=${`Open the run of ${name}`} @click=${() => view.openRun(run)}><span class="codicon codicon-dashboard" aria-hidden="true"></span></button>`;
  return html`<tr class=${isChosen ? 'is-chosen' : ''}>
      ${names}${figures}
      ${facts.map(({ isNumber, cell }) => html`<td class=${isNumber ? 'number' : 'word'}>${cell(candidate)}</td>`)}
      <td class="row-tools">${open}</td>
    </tr>
    ${own.length > 0 && reason !== null ? html`<tr class="why"><td colspan=${width}>${reason}</td></tr>` : nothing}`;
}

function stateText({ state }: Candidate, { isWorking, share }: TableView): string {
  switch (state) {
    case 'running':
      return isWorking ? `at work, ${percent(share, 0)}` : 'not done';
    case 'left-out':
      return 'left out';
    case 'failed':
      return 'failed';
    default:
      return 'waits';
  }
}
