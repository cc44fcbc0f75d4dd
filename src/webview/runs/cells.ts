import { html, nothing, type TemplateResult } from 'lit';
import { recipeNumber } from '../../protocol/figures.ts';
import { isPercentage, metricName } from '../../protocol/metrics.ts';
import { type RunColumn, type RunRow, stateText } from '../../protocol/run-row.ts';
import type { RunState } from '../../protocol/states.ts';
import { capital, count, day, duration, fixed, metric, shortDay, significant } from '../shared/format.ts';

/** Codicon of each state, as the Runs view has them; table.css has their colours. */
const ICONS: Record<RunState, string> = {
  queued: 'clock',
  starting: 'play-circle',
  running: 'play-circle',
  paused: 'debug-pause',
  stopping: 'debug-stop',
  done: 'pass-filled',
  stopped: 'pass',
  cancelled: 'circle-slash',
  failed: 'error',
  interrupted: 'warning',
};

/** A cell's content, and its whole text where the cell may cut it. */
export function cell(column: RunColumn, row: RunRow, isBest: boolean): { content: unknown; title: string } {
  const own = OWN[column.id];
  if (own) return own(row, isBest);
  const text = cellText(column, row);
  if (column.kind === 'time' && text !== '–') return { content: shortDay(String(column.value(row))), title: text };
  if (column.kind !== 'metric') return { content: text, title: text };
  const range = intervalText(column, row);
  const key = column.id === 'best' ? column.metric?.(row) : undefined;
  const figure = key && text !== '–' ? metric(key, Number(column.value(row))) : text;
  return {
    content: html`${mark(column, isBest)}${figure}${range ? html` <span class="interval">(${range})</span>` : nothing}${key && text !== '–' ? html` ${metricName(key)}` : nothing}`,
    title: metricTitle(column, row, isBest),
  };
}

/** A name that is cut keeps its end, which often is all that tells it from another: `tickets · bert-base… · 12`. */
function nameParts(name: string): TemplateResult {
  const [, start = name, end = ''] = /^(.+)( · .{1,8})$/.exec(name) ?? [];
  return html`<span class="name"><span class="name-start">${start}</span><span class="name-end">${end}</span></span>`;
}

/** The first tag so that it can be read, and how many there are beside it: all are in the cell's title. */
function tagParts([first, ...others]: readonly string[]) {
  if (first === undefined) return nothing;
  const more = others.length > 0 ? html`<span class="tag">+${others.length}</span>` : nothing;
  return html`<span class="tag">${first}</span>${more}`;
}

const OWN: Readonly<Record<string, (row: RunRow, isBest: boolean) => { content: TemplateResult; title: string }>> = {
  name: ({ name, note, tags }) => ({
    content: html`<div class="named">${nameParts(name)}${tagParts(tags)}</div>`,
    title: [name, ...(tags.length > 0 ? [`Tags: ${tags.join(', ')}`] : []), ...(note ? [note] : [])].join('\n'),
  }),
  state: (row) => {
    const isBroken = row.problem !== null;
    const words = isBroken ? 'cannot be read' : stateText(row);
    const why = row.problem ?? row.error;
    return {
      content: html`<span class="codicon codicon-${isBroken ? 'question' : ICONS[row.state]} state-${isBroken ? 'interrupted' : row.state}"
        aria-hidden="true"></span> ${capital(words)}${
          why === null ? nothing : html`<span class="visually-hidden">: ${why}</span>`
        }`,
      title: why ?? capital(words),
    };
  },
};

const mark = ({ id }: RunColumn, isBest: boolean): TemplateResult | typeof nothing =>
  id === 'best' && isBest
    ? html`<span class="codicon codicon-star-full best" aria-hidden="true"></span><span class="visually-hidden">Best, </span>`
    : nothing;

/** What a cell says, in the person's language; "–" for what is not known. */
export function cellText(column: RunColumn, row: RunRow): string {
  const value = column.value(row);
  if (value === null || value === '') return '–';
  switch (column.kind) {
    case 'metric': {
      const key = column.metric?.(row);
      const figure = key ? metric(key, Number(value)) : String(value);
      return column.id === 'best' && key ? `${figure} ${metricName(key)}` : figure;
    }
    case 'number':
      return count(Number(value));
    case 'duration':
      return duration(Number(value));
    case 'time':
      return day(String(value));
    case 'text':
      return typeof value === 'number' ? recipeNumber(value) : value;
  }
}

/** Short: the unit stands before it. */
function intervalText(column: RunColumn, row: RunRow): string {
  const key = column.metric?.(row);
  const range = key ? row.measured?.intervals[key] : undefined;
  if (!key || !range) return '';
  return isPercentage(key)
    ? `${fixed(100 * range.low, 0)}–${fixed(100 * range.high, 0)}`
    : `${significant(range.low)}–${significant(range.high)}`;
}

/** Said of a run of several trainings. */
const meanOf = ({ folds, seeds }: RunRow): string =>
  folds !== null ? `, mean of ${count(folds)} folds` : seeds !== null ? `, mean of ${count(seeds)} seeds` : '';

function metricTitle(column: RunColumn, row: RunRow, isBest: boolean): string {
  const key = column.metric?.(row);
  if (!key || row.metrics[key] === undefined) return '';
  const n = row.measured?.n;
  const range = intervalText(column, row);
  return [
    `${capital(metricName(key))} ${metric(key, row.metrics[key])}${meanOf(row)}`,
    ...(n === undefined ? [] : [`Measured on ${count(n)} validation rows`]),
    ...(range ? [`95 % interval: ${range}`] : []),
    ...(isBest && column.id === 'best' ? [`Best of the runs on ${row.dataset}`] : []),
  ].join('\n');
}
