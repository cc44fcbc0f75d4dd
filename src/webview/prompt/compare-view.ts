import { html, nothing, type TemplateResult } from 'lit';
import type { PromptColumn, PromptRow } from '../../protocol/prompt-page.ts';
import { percent, plural, shares } from '../shared/format.ts';
import type { Actions } from './actions.ts';
import { answerView, columnName, endWords, failureView } from './answer-view.ts';
import { differences, type Piece } from './differences.ts';
import { type CellState, TIE } from './store.ts';

/** The same rows answered by several, side by side. */
export const compareView = (actions: Actions): TemplateResult => html`
  <section aria-labelledby="columns-title">${columns(actions)}</section>
  <section aria-labelledby="votes-title">${votes(actions)}</section>
  <section aria-labelledby="rows-title">${rows(actions)}</section>`;

function columns(actions: Actions): TemplateResult {
  const { store, post } = actions;
  return html`
    <div class="section-head">
      <h2 id="columns-title">Compared</h2>
      <vscode-button secondary icon="add" ?disabled=${store.isRunning || store.page!.blocked !== null} @click=${() => post({ type: 'addColumn' })}>Add…</vscode-button>
    </div>
    <ul class="columns">${store.columns.map(
      (column) => html`<li>
        <span>${columnName(column)}</span>
        ${column.problem ? html`<span class="problem"><span class="codicon codicon-error" aria-hidden="true"></span>${column.problem}</span>` : nothing}
        ${
          store.columns.length > 1
            ? html`<button class="tool" title="Remove" aria-label=${`Remove ${column.name} ${column.detail ?? ''}`} ?disabled=${store.isRunning} @click=${() => post({ type: 'removeColumn', column: column.id })}><span class="codicon codicon-close" aria-hidden="true"></span></button>`
            : nothing
        }
      </li>`,
    )}</ul>
    ${store.columns.length < 2 ? html`<p class="muted">Add a model or another version of the template to compare with.</p>` : nothing}`;
}

function votes({ store, post }: Actions): TemplateResult {
  const { columns, decided, ties, elsewhere, stale } = store.tally();
  const total = decided + ties;
  return html`
    <div class="section-head">
      <h2 id="votes-title">Votes</h2>
      ${store.votes.length > 0 ? html`<vscode-button secondary icon="clear-all" @click=${() => post({ type: 'clearVotes' })}>Clear Votes…</vscode-button>` : nothing}
    </div>
    ${
      total === 0
        ? html`<p class="muted">Choose the better answer of each row; the votes are counted here.</p>`
        : html`<div class="scroll-x"><table class="votes">
          <thead><tr><th scope="col">Better answers</th><th scope="col" class="number">Votes</th><th scope="col" class="number">Share</th><th scope="col" class="number">95 % interval</th></tr></thead>
          <tbody>${columns.map(
            ({
              column,
              votes,
              share,
            }) => html`<tr><th scope="row">${columnName(column)}</th><td class="number">${votes}</td>
              <td class="number">${share ? percent(votes / decided, 0) : '–'}</td>
              <td class="number">${share ? shares(share, 0) : '–'}</td></tr>`,
          )}</tbody></table></div>
        <p class="muted">${verdict(store.tally())}${elsewhere > 0 ? ` ${plural(elsewhere, 'vote is', 'votes are')} on rows that are not shown now.` : ''}</p>`
    }
    ${stale > 0 ? html`<p class="muted note"><span class="codicon codicon-info" aria-hidden="true"></span>${plural(stale, 'earlier vote is', 'earlier votes are')} not counted: on other models, on another text of the template, or on answers that have changed since.</p>` : nothing}`;
}

/** What the votes say, and whether they are enough to say it. */
function verdict({ columns, decided, ties }: ReturnType<Actions['store']['tally']>): string {
  const tied = ties > 0 ? `, ${plural(ties, 'tie')} not counted` : '';
  const votes = `${plural(decided, 'row')} decided${tied}`;
  if (columns.length !== 2 || decided === 0) return `${votes}.`;
  const better = columns.find(({ share }) => share && share.low > 0.5);
  return better
    ? `${votes}. ${better.column.name} is better in more than half of such rows, as far as these votes tell.`
    : `${votes}. So few or so even votes do not tell which is better.`;
}

function rows(actions: Actions): TemplateResult {
  const { store, post } = actions;
  const { page, blocked, estimate } = store;
  const { hasSample, dataset } = page!;
  const usable = store.columns.filter(({ problem }) => problem === null).length;
  const answers = store.rows.length * usable;
  const hasSampleRow = store.rows.some(({ id }) => id === 'sample');
  return html`
    <div class="section-head">
      <h2 id="rows-title">Rows</h2>
      <div class="buttons">
        ${
          hasSample && !hasSampleRow
            ? html`<vscode-button secondary @click=${() => {
                store.addSampleRow();
                actions.edited();
              }}>Add Sample</vscode-button>`
            : nothing
        }
        <vscode-button secondary icon="table" ?disabled=${store.isRunning || page!.blocked !== null} title=${dataset ? `Pick rows of ${dataset}` : 'Choose a dataset, then pick rows of it'} @click=${() => post({ type: 'pickRows' })}>Pick Rows…</vscode-button>
      </div>
    </div>
    <div class="run-line">
      ${
        store.isRunning
          ? html`<vscode-button secondary icon="debug-stop" title="Stop (Escape)" @click=${() => post({ type: 'cancel' })}>Stop</vscode-button>`
          : html`<vscode-button icon="play" class="run" ?disabled=${blocked !== null} title="Run (Ctrl+Enter)" @click=${() => actions.run()}>${answers > 0 ? `Run ${plural(answers, 'Answer')}` : 'Run'}</vscode-button>`
      }
      <span class="muted">${
        estimate && estimate.calls > 0
          ? `${plural(estimate.calls, 'call')} with about ${plural(estimate.tokens, 'token')} ${estimate.calls === 1 ? 'goes' : 'go'} to ${estimate.hosts.join(' and ')}.`
          : blocked && page!.blocked === null
            ? blocked
            : page!.options
      }</span>
      ${
        store.columns.length > 1
          ? html`<vscode-checkbox label="Mark differences" ?checked=${store.marks} @change=${(event: Event) => {
              store.marks = (event.target as HTMLInputElement).checked;
              actions.changed();
            }}></vscode-checkbox>`
          : nothing
      }
    </div>
    ${
      store.rows.length === 0
        ? html`<p class="empty">Pick rows of a dataset${hasSample ? ', or add the sample' : ''}: each is answered by all that are compared.</p>`
        : html`<ol class="rows">${store.rows.map((row, i) => rowView(row, i, actions))}</ol>`
    }`;
}

function rowView(row: PromptRow, i: number, actions: Actions): TemplateResult {
  const { store } = actions;
  const pieces = store.marks ? piecesOf(row.id, actions) : null;
  return html`<li class="row" aria-label=${`Row ${i + 1}: ${row.title}`}>
    <div class="row-head">
      <h3>${row.title}</h3>
      <button class="tool" title="Run this row again" aria-label=${`Run row ${i + 1} again`} ?disabled=${store.isRunning || store.blocked !== null} @click=${() => actions.run(row.id)}><span class="codicon codicon-refresh" aria-hidden="true"></span></button>
      <button class="tool" title="Remove" aria-label=${`Remove row ${i + 1}`} ?disabled=${store.isRunning} @click=${() => {
        const request = store.removeRow(row.id);
        if (request) actions.post(request);
        actions.edited();
      }}><span class="codicon codicon-close" aria-hidden="true"></span></button>
    </div>
    <dl class="values">${(store.page?.variables ?? []).map(
      ({ name }) => html`<div><dt><code>${name}</code></dt><dd>${valueText(row.values[name])}</dd></div>`,
    )}</dl>
    <div class="answers">${store.columns.map((column) => cellView(row, i, column, pieces?.get(column.id) ?? null, actions))}</div>
    ${store.canVote(row.id) ? voteView(row, i, actions) : nothing}
  </li>`;
}

const valueText = (value: unknown): string =>
  value === undefined || value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);

/** Cells that change are others: what was compared is not compared again while other answers are written. */
const compared = new WeakMap<CellState, WeakMap<CellState, ReturnType<typeof differences>>>();

function differencesOf(first: CellState, second: CellState): ReturnType<typeof differences> {
  const others = compared.get(first) ?? new WeakMap<CellState, ReturnType<typeof differences>>();
  compared.set(first, others);
  const found = others.get(second) ?? differences(first.text, second.text);
  others.set(second, found);
  return found;
}

/** Each answer's words that the first column's has not; of two answers both sides are marked. */
function piecesOf(row: string, { store }: Actions): Map<string, Piece[]> {
  const pieces = new Map<string, Piece[]>();
  const answered = store.columns.filter(({ id }) => {
    const cell = store.cell(row, id);
    return cell?.end && !cell.failure && cell.text !== '';
  });
  const [first, ...others] = answered;
  if (!first) return pieces;
  for (const other of others) {
    const [left, right] = differencesOf(store.cell(row, first.id)!, store.cell(row, other.id)!);
    if (others.length === 1) pieces.set(first.id, left);
    pieces.set(other.id, right);
  }
  return pieces;
}

function cellView(
  row: PromptRow,
  i: number,
  column: PromptColumn,
  pieces: readonly Piece[] | null,
  actions: Actions,
): TemplateResult {
  const { store } = actions;
  const cell = store.cell(row.id, column.id);
  const chosen = store.choice(row.id) === column.id;
  return html`<article class="answer ${chosen ? 'chosen' : ''}" aria-label=${`Row ${i + 1}, ${column.name} ${column.detail ?? ''}`} aria-busy=${cell !== null && cell.end === null}>
    <h4>${columnName(column)}</h4>
    ${
      cell
        ? html`${answerView(cell, pieces)}${cell.failure ? failureView(cell.failure, actions) : html`<p class="muted under">${endWords(cell)}</p>`}`
        : html`<p class="muted">${column.problem ?? 'Not run yet'}</p>`
    }
  </article>`;
}

function voteView(row: PromptRow, i: number, actions: Actions): TemplateResult {
  const { store } = actions;
  const choices = [
    ...store.columns.map(({ id, name, detail }) => ({ id, label: detail ? `${name} (${detail})` : name })),
    { id: TIE, label: 'None is better' },
  ];
  return html`<fieldset class="vote">
    <legend>Which answer is better?</legend>
    ${choices.map(
      ({ id, label }) =>
        html`<label><input type="radio" name=${`vote-${i}`} .checked=${store.choice(row.id) === id} @change=${() => {
          const request = store.vote(row.id, id);
          if (request) actions.post(request);
          actions.changed();
        }}>${label}</label>`,
    )}
  </fieldset>`;
}
