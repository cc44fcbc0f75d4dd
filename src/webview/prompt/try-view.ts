import type { VscodeTextarea } from '@vscode-elements/elements/dist/vscode-textarea/vscode-textarea.js';
import { html, nothing, type TemplateResult } from 'lit';
import type { CodeLanguage } from '../../protocol/prompt.ts';
import type { PromptVariable } from '../../protocol/prompt-page.ts';
import { plural } from '../shared/format.ts';
import type { Actions } from './actions.ts';
import { answerView, columnName, endWords, failureView } from './answer-view.ts';
import { TRIED } from './store.ts';

/** A template with one row's values: what is sent, and what comes back. */
export const tryView = (actions: Actions): TemplateResult => html`<div class="try">
  <section class="inputs" aria-labelledby="inputs-title">${inputs(actions)}</section>
  <div class="outcome">
    <section aria-labelledby="prompt-title">${prompt(actions)}</section>
    <section aria-labelledby="answer-title">${answer(actions)}</section>
  </div>
</div>`;

function inputs(actions: Actions): TemplateResult {
  const { store, post } = actions;
  const { variables, hasSample, dataset } = store.page!;
  const { blocked } = store;
  return html`
    <div class="section-head">
      <h2 id="inputs-title">Inputs</h2>
      <div class="buttons">
        ${
          hasSample && store.from !== 'sample'
            ? html`<vscode-button secondary @click=${() => {
                store.useSample();
                actions.edited();
              }}>Use Sample</vscode-button>`
            : nothing
        }
        <vscode-button secondary icon="table" ?disabled=${store.page!.blocked !== null} title=${dataset ? `Pick a row of ${dataset}` : 'Choose a dataset, then pick a row of it'} @click=${() => post({ type: 'pickRows' })}>Pick a Row…</vscode-button>
      </div>
    </div>
    ${store.from ? html`<p class="muted">From ${store.from === 'sample' ? 'the template’s sample' : store.from}</p>` : nothing}
    ${variables.length === 0 ? html`<p class="empty">The template has no inputs: its text is the prompt.</p>` : variables.map((variable) => field(variable, actions))}
    <div class="run-line">
      ${
        store.isRunning
          ? html`<vscode-button secondary icon="debug-stop" title="Stop (Escape)" @click=${() => post({ type: 'cancel' })}>Stop</vscode-button>`
          : html`<vscode-button icon="play" class="run" ?disabled=${blocked !== null} title="Run (Ctrl+Enter)" @click=${() => actions.run()}>Run</vscode-button>`
      }
      <span class="muted">${blocked && store.page!.blocked === null ? blocked : store.page!.options}</span>
    </div>`;
}

function field(variable: PromptVariable, actions: Actions): TemplateResult {
  const { store } = actions;
  const { name, kind, description } = variable;
  const text = store.texts[name] ?? '';
  const fault = store.fault(variable);
  const type = (value: string) => {
    store.type(name, value);
    actions.edited();
  };
  const id = `fault-${name}`;
  const label = `${name}${kind === 'string' ? '' : `, ${kind === 'array' ? 'a list in JSON' : kind === 'object' ? 'an object in JSON' : kind}`}`;
  const shown = html`<span class="field-name"><code>${name}</code>${kind === 'string' ? nothing : html` <span class="muted">${kind}</span>`}${description ? html` <span class="muted">${kind === 'string' ? '' : '· '}${description}</span>` : nothing}</span>`;
  if (kind === 'boolean') {
    return html`<div class="field"><vscode-checkbox label=${name} ?checked=${text === 'true'} @change=${(
      event: Event,
    ) =>
      type(
        String((event.target as HTMLInputElement).checked),
      )}></vscode-checkbox>${description ? html`<span class="muted">${description}</span>` : nothing}</div>`;
  }
  return html`<div class="field">
    ${shown}
    ${
      kind === 'number'
        ? html`<vscode-textfield .label=${label} inputmode="decimal" .value=${text} ?invalid=${fault !== null} @input=${(event: Event) => type((event.target as HTMLInputElement).value)}></vscode-textfield>`
        : html`<vscode-textarea .label=${label} rows=${Math.min(8, Math.max(2, text.split('\n').length, Math.ceil(text.length / 60)))} resize="vertical" ?monospace=${kind !== 'string'} ?invalid=${fault !== null} .value=${text} @input=${(event: Event) => type((event.target as VscodeTextarea).value)}></vscode-textarea>`
    }
    ${fault ? html`<p class="problem" id=${id} role="alert"><span class="codicon codicon-error" aria-hidden="true"></span>${fault}</p>` : nothing}
  </div>`;
}

const ROLES: Readonly<Record<string, string>> = {
  system: 'System',
  user: 'User',
  assistant: 'Assistant',
  developer: 'Developer',
  tool: 'Tool',
};

/** Ways out of the editor: a program that asks the same of a model of this machine. */
function copyAs({ store, post }: Actions): TemplateResult | typeof nothing {
  const [column] = store.columns;
  if (!column || column.remote !== null || column.problem !== null) return nothing;
  const button = (language: CodeLanguage, name: string, library: string) =>
    html`<button class="link" title=${`Copy a program for ${library} that asks ${column.name} the same`} aria-label=${`Copy as ${name}`} @click=${() => post({ type: 'copyCode', language, values: store.values() })}>${name}</button>`;
  return html`<p class="muted copy-as">Copy as ${button('python', 'Python', 'transformers')} or ${button('javascript', 'JavaScript', 'transformers.js')}</p>`;
}

function prompt(actions: Actions): TemplateResult {
  const { store, post } = actions;
  const { rendered, renderError } = store;
  const head = html`<div class="section-head">
    <h2 id="prompt-title">Prompt</h2>
    ${
      rendered
        ? html`<span class="inline">${rendered.tokens === null ? nothing : plural(rendered.tokens, 'token')}
          <button class="tool" title="Copy" aria-label="Copy the prompt" @click=${() =>
            post({
              type: 'copyText',
              text:
                rendered.prompt ?? rendered.messages.map(({ role, content }) => `${role}:\n${content}`).join('\n\n'),
            })}><span class="codicon codicon-copy" aria-hidden="true"></span></button></span>`
        : nothing
    }
  </div>`;
  if (renderError) {
    return html`${head}<div class="banner banner-error" role="alert"><span class="codicon codicon-error" aria-hidden="true"></span>
      <p><strong>${renderError.message}</strong>${renderError.hint ? ` ${renderError.hint}` : ''}</p></div>`;
  }
  if (!rendered) {
    return html`${head}<p class="empty">${store.page!.blocked === null && store.page!.problems.length === 0 ? 'Rendering…' : 'Not rendered.'}</p>`;
  }
  const { messages, warnings } = rendered;
  return html`${head}
    ${warnings.map((warning) => html`<p class="note warning"><span class="codicon codicon-warning" aria-hidden="true"></span>${warning}</p>`)}
    ${
      messages.length > 0
        ? html`<ol class="messages">${messages.map(
            ({ role, content }) => html`<li><h3>${ROLES[role] ?? role}</h3><p class="text">${content}</p></li>`,
          )}</ol>`
        : html`<p class="text raw">${rendered.prompt}</p>`
    }
    ${copyAs(actions)}`;
}

function answer(actions: Actions): TemplateResult {
  const { store, post } = actions;
  const [column] = store.columns;
  const cell = column ? store.cell(TRIED, column.id) : null;
  const done = cell?.end && !cell.failure && cell.end.reason !== 'cancelled';
  return html`
    <div class="section-head">
      <h2 id="answer-title">Answer</h2>
      ${column ? html`<span class="of">${columnName(column)}</span>` : nothing}
    </div>
    ${
      cell
        ? html`<article class="answer" aria-label="Answer" aria-busy=${cell.end === null}>
          ${answerView(cell, null)}
          ${cell.failure ? failureView(cell.failure, actions, html`<vscode-button secondary ?disabled=${store.blocked !== null} @click=${() => actions.run()}>Run Again</vscode-button>`) : nothing}
          ${
            cell.end
              ? html`<div class="under muted">
                ${cell.failure ? nothing : html`<span>${endWords(cell)}</span>`}
                ${
                  cell.text
                    ? html`<button class="tool" title="Copy" aria-label="Copy the answer" @click=${() => post({ type: 'copyText', text: cell.text })}><span class="codicon codicon-copy" aria-hidden="true"></span></button>`
                    : nothing
                }
                ${
                  done && !store.kept
                    ? html`<vscode-button secondary icon="save" title="Write the inputs that were run and this answer into a file of examples beside the template" @click=${() => post({ type: 'keep', values: cell.values ?? store.values(), answer: cell.text || cell.labels[0]?.label || '' })}>Keep as Example</vscode-button>`
                    : nothing
                }
              </div>`
              : nothing
          }
        </article>`
        : html`<p class="empty">${store.page!.blocked ?? 'Run the template to see what the model answers.'}</p>`
    }
    ${keptView(actions)}`;
}

function keptView({ store, post }: Actions): TemplateResult | typeof nothing {
  const { kept, unkept } = store;
  if (unkept) return html`<p class="muted note" role="status">Taken out of ${unkept} again.</p>`;
  if (!kept) return nothing;
  return html`<p class="note kept" role="status"><span class="codicon codicon-check" aria-hidden="true"></span>Kept as an expected example in
    <button class="link" @click=${() => post({ type: 'openKept', line: kept.line })}>${kept.file}, line ${kept.line}</button>
    <button class="link" @click=${() => post({ type: 'undoKeep' })}>Undo</button></p>`;
}
