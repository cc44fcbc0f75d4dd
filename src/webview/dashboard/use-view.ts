import { html, nothing, type TemplateResult } from 'lit';
import { type TaskName, taskNameOf, taskOf } from '../../protocol/tasks.ts';
import type { Page } from './page.ts';
import type { RunView } from './store.ts';

/** How the model is used outside: three lines that run as they stand. */
export const pythonFor = (folder: string, task: TaskName): string => {
  const { name, text } = pipelineOf(task);
  const verb = name === 'text-generation' ? 'write' : 'classify';
  const more =
    task === 'token-classification'
      ? ', aggregation_strategy="first"'
      : task === 'multi_label_classification'
        ? ', top_k=None'
        : '';
  return [
    'from transformers import pipeline',
    `${verb} = pipeline(${JSON.stringify(name)}, model=${JSON.stringify(folder)}${more})`,
    `print(${verb}(${text ? JSON.stringify(text) : '[{"role": "user", "content": "Type a message here"}]'}))`,
  ].join('\n');
};

/** The pipeline that runs a task's models, and what it is given; no text where it is messages. */
function pipelineOf(task: TaskName): { name: string; text?: string } {
  const { writes, ...described } = taskOf(task);
  if (writes === undefined) return { name: described.of ?? described.name, text: 'Type a text here' };
  return { name: 'text-generation', ...(writes === 'continuation' && { text: 'Type the beginning of a text here' }) };
}

export const javascriptFor = (folder: string, task: TaskName): string => {
  // transformers.js looks for a model by its name in a folder of models; it takes slashes on Windows, too.
  const { name: pipeline, text } = pipelineOf(task);
  const input = text ? quoted(text) : "[{ role: 'user', content: 'Type a message here' }]";
  const more = task === 'multi_label_classification' ? ', { top_k: null }' : '';
  const [, parent, name] = /^(.*)[\\/]([^\\/]+)[\\/]?$/.exec(folder) ?? [];
  return [
    "import { env, pipeline } from '@huggingface/transformers';",
    `Object.assign(env, { localModelPath: ${quoted((parent ?? '.').replaceAll('\\', '/'))}, allowRemoteModels: false });`,
    `console.log(await (await pipeline(${quoted(pipeline)}, ${quoted(name ?? folder)}, { dtype: 'fp32' }))(${input}${more}));`,
  ].join('\n');
};

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

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
