import { html, type TemplateResult } from 'lit';
import { clock, count, plural } from '../shared/format.ts';
import type { Page } from './page.ts';
import type { RunView } from './store.ts';

const SHOWN = 500;

/** The log's notable lines, newest first. */
export const logView = (run: RunView, page: Page): TemplateResult => {
  const lines = run.log.slice(-SHOWN).reverse();
  return html`<section aria-labelledby="log-title">
    <div class="section-head">
      <h2 id="log-title">Events</h2>
      <vscode-button secondary icon="output" @click=${() => page.act(run, 'openLog')}>Show Log</vscode-button>
    </div>
    ${
      lines.length === 0
        ? html`<p class="empty">No events yet.</p>`
        : html`<table class="data log">
            <thead><tr><th scope="col">Time</th><th scope="col">Event</th><th scope="col" class="number">Step</th></tr></thead>
            <tbody>${lines.map(
              (line) => html`<tr class="level-${line.level}">
                <td class="time"><time datetime=${new Date(line.time * 1000).toISOString()}>${clock(line.time)}</time></td>
                <td class="event"><div><span class="codicon codicon-${line.icon}" aria-hidden="true"></span>
                  ${line.level === 'info' ? '' : html`<span class="visually-hidden">${line.level}: </span>`}<span class="log-text">${line.text}</span></div></td>
                <td class="number">${line.step === null ? '' : count(line.step)}</td>
              </tr>`,
            )}</tbody>
          </table>
          ${run.log.length > SHOWN ? html`<p class="empty">${plural(run.log.length - SHOWN, 'earlier event is', 'earlier events are')} in the log.</p>` : ''}`
    }
  </section>`;
};
