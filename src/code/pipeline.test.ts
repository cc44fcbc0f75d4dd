import { expect, test } from 'vitest';
import type { TaskName } from '../protocol/tasks.ts';
import { javascriptFor, pythonFor } from './pipeline.ts';

test('lines to copy name the model’s folder as the language wants it', () => {
  expect(pythonFor('C:\\Users\\Ada "A"\\model', 'text-classification').split('\n')).toEqual([
    'from transformers import pipeline',
    'classify = pipeline("text-classification", model="C:\\\\Users\\\\Ada \\"A\\"\\\\model")',
    'print(classify("Type a text here"))',
  ]);
  expect(javascriptFor("C:\\Ada's\\run\\model", 'text-classification').split('\n').slice(1)).toEqual([
    "Object.assign(env, { localModelPath: 'C:/Ada\\'s/run', allowRemoteModels: false });",
    "console.log(await (await pipeline('text-classification', 'model', { dtype: 'fp32' }))('Type a text here'));",
  ]);
});

test('lines to copy use the pipeline that runs a task’s models', () => {
  const python = (task: TaskName) => pythonFor('m', task).split('\n').slice(1).join(' ');
  expect(python('token-classification')).toContain('pipeline("token-classification", model="m", aggregation_strategy=');
  expect(python('multi_label_classification')).toContain('pipeline("text-classification", model="m", top_k=None)');
  expect(python('regression')).toContain('pipeline("text-classification", model="m")');
  expect(python('text-generation')).toBe(
    'write = pipeline("text-generation", model="m") print(write("Type the beginning of a text here"))',
  );
  expect(python('conversational')).toBe(
    'write = pipeline("text-generation", model="m") print(write([{"role": "user", "content": "Type a message here"}]))',
  );
  const chat = javascriptFor('runs/m', 'conversational');
  expect(chat).toContain("const write = await pipeline('text-generation', 'm', { dtype: 'fp32' });");
  expect(chat).toContain("console.log(await write([{ role: 'user', content: 'Type a message here' }]));");
  // Without it transformers.js would show the model each token alone.
  expect(chat).toContain('write.model.prepare_inputs_for_generation =');
  expect(javascriptFor('runs/m', 'multi_label_classification')).toContain("('Type a text here', { top_k: null })");
});
