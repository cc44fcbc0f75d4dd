import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { ClassificationReport } from '../../protocol/evaluation.ts';
import { count, percent, plural } from '../shared/format.ts';
import { LightElement } from '../shared/light-element.ts';
import { type Matrix, matrixOf, shade } from './matrix.ts';

/** The detail of `luthier-cell`: the cell that was opened. */
export interface CellDetail {
  actual: string;
  predicted: string;
}

/**
 * A confusion matrix as a grid: one cell takes Tab, arrows move, Home and End go to the row's ends, Enter or Space
 * or a click opens the cell's rows (event `luthier-cell`).
 */
@customElement('luthier-confusion')
export class ConfusionElement extends LightElement {
  @property({ attribute: false }) report!: ClassificationReport;
  @property({ type: Number }) size = 20;
  @property({ attribute: false }) open: CellDetail | null = null;
  @state() private row = 0;
  @state() private column = 0;
  #matrix: Matrix = { labels: [], cells: [], totals: [], left: 0 };

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has('report') && !changed.has('size')) return;
    this.#matrix = matrixOf(this.report, this.size);
    const last = this.#matrix.labels.length - 1;
    this.row = Math.min(this.row, Math.max(0, last));
    this.column = Math.min(this.column, Math.max(0, last));
  }

  /** The style sheet makes the columns' width of it; a style attribute would be against the page's policy. */
  protected override updated(): void {
    this.querySelector('table')?.style.setProperty('--classes', String(this.#matrix.labels.length));
  }

  #key(event: KeyboardEvent): void {
    const last = this.#matrix.labels.length - 1;
    const moves: Record<string, [number, number]> = {
      ArrowUp: [this.row - 1, this.column],
      ArrowDown: [this.row + 1, this.column],
      ArrowLeft: [this.row, this.column - 1],
      ArrowRight: [this.row, this.column + 1],
      Home: [event.ctrlKey ? 0 : this.row, 0],
      End: [event.ctrlKey ? last : this.row, last],
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      this.row = Math.max(0, Math.min(last, move[0]));
      this.column = Math.max(0, Math.min(last, move[1]));
      this.updateComplete.then(
        () => this.querySelector<HTMLElement>('td[tabindex="0"]')?.focus(),
        () => undefined,
      );
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.#open(this.row, this.column);
    }
  }

  #open(row: number, column: number): void {
    this.row = row;
    this.column = column;
    const { labels, cells } = this.#matrix;
    if ((cells[row]?.[column] ?? 0) === 0) return;
    const detail: CellDetail = { actual: labels[row]!, predicted: labels[column]! };
    this.dispatchEvent(new CustomEvent('luthier-cell', { detail, bubbles: true }));
  }

  protected override render(): TemplateResult {
    const { labels, cells, totals, left } = this.#matrix;
    const many = labels.length > 12;
    return html`
      <div class="scroll-x">
        <table class="matrix ${many ? 'matrix-many' : ''} ${labels.length > 5 ? 'matrix-upright' : ''}" role="grid" aria-label="Confusion matrix: one row for each class, one column for each predicted class"
          aria-describedby="matrix-keys" @keydown=${this.#key}>
          <thead>
            <tr role="row">
              <td class="corner"><span class="corner-row">actual</span> <span class="codicon codicon-arrow-down" aria-hidden="true"></span><br><span class="corner-column">predicted</span> <span class="codicon codicon-arrow-right" aria-hidden="true"></span></td>
              ${labels.map((label, i) => html`<th scope="col" role="columnheader" title=${label} class=${this.column === i ? 'current' : ''}><span>${label}</span></th>`)}
              <th scope="col" role="columnheader" class="recall"><span>Recall</span></th>
            </tr>
          </thead>
          <tbody>
            ${labels.map(
              (label, i) => html`<tr role="row">
                <th scope="row" role="rowheader" title=${label}>${label}</th>
                ${cells[i]!.map((n, j) => {
                  const isOpen = this.open?.actual === label && this.open.predicted === labels[j];
                  return html`<td role="gridcell" tabindex=${i === this.row && j === this.column ? 0 : -1}
                    class="cell ${i === j ? 'right' : 'wrong'} shade-${shade(n, totals[i]!)} ${isOpen ? 'open' : ''}"
                    aria-selected=${isOpen}
                    aria-label="${label} predicted as ${labels[j]}: ${plural(n, 'row')}"
                    title=${n === 0 ? nothing : `${count(n)} of ${plural(totals[i]!, 'row')} of ${label} predicted as ${labels[j]}`}
                    @click=${() => this.#open(i, j)}>${n === 0 ? '' : count(n)}</td>`;
                })}
                <td class="recall number" role="gridcell">${totals[i] ? percent(cells[i]![i]! / totals[i]!) : '–'}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${left > 0 ? html`<p class="empty">${plural(left, 'class', 'classes')} with fewer errors not shown.</p>` : nothing}
      <p id="matrix-keys" class="visually-hidden">Arrow keys move, Enter opens the rows of a cell.</p>`;
  }
}
