import { html, nothing, type TemplateResult } from 'lit';
import { javascriptFor, peftPythonFor, pythonFor } from '../../code/pipeline.ts';
import { learnsPrompt } from '../../protocol/recipe.ts';
import { taskNameOf } from '../../protocol/tasks.ts';
import type { Page } from './page.ts';
import type { RunView } from './store.ts';

const snippet = (language: string, code: string, page: Page): TemplateResult => html`
  <div class="snippet">
    <div class="section-head">
      <h3>${language}</h3>
      <button class="tool" title="Copy" aria-label="Copy ${language}" @click=${() => page.copy(code, language)}>
        <span class="codicon codicon-copy" aria-hidden="true"></span></button>
    </div>
    <pre tabindex="0"><code>${code}</code></pre>
  </div>`;

/** What a finished run's model is used with. */
export const useView = (run: RunView, page: Page): TemplateResult | typeof nothing => {
  const { modelFolder, hasOnnx } = run;
  const task = taskNameOf(run.record.recipe);
  if (modelFolder === null || run.gone) return nothing;
  if (learnsPrompt(run.record.recipe.strategy))
    return html`<details class="use">
      <summary>Use the model in Python</summary>
      ${snippet('Python', peftPythonFor(modelFolder, task, run.record.recipe.strategy.type), page)}
      <p class="muted">The prompt that was learned stands in front of each text and is no part of the weights: Python needs peft, and there is no ONNX format of it.</p>
    </details>`;
  return html`<details class="use">
    <summary>Use the model in Python or JavaScript</summary>
    ${snippet('Python', pythonFor(modelFolder, task), page)}
    ${
      hasOnnx
        ? snippet('JavaScript', javascriptFor(modelFolder, task), page)
        : html`<div class="snippet">
            <div class="section-head"><h3>JavaScript</h3></div>
            <p class="muted">Transformers.js needs the model in ONNX format.</p>
            ${run.readOnly ? nothing : html`<vscode-button secondary icon="export" @click=${() => page.act(run, 'exportOnnx')}>Export as ONNX</vscode-button>`}
          </div>`
    }
  </details>`;
};
