import { expect, it } from 'vitest';
import { recipeEditorSchema, recipeJsonSchema } from './recipe-json-schema.ts';
import { inputSchema } from './recipe-schema.ts';

type Properties = Record<string, { markdownDescription?: string; [key: string]: unknown }>;
const properties = (schema: Record<string, unknown>) => schema.properties as Properties;

it('explains every key with its range and default', () => {
  const all = properties(recipeEditorSchema());
  expect(Object.keys(all).sort()).toEqual(Object.keys(inputSchema.shape).sort());
  for (const [key, { markdownDescription }] of Object.entries(all)) expect(markdownDescription, key).toBeTruthy();
  const hover = (key: string) => all[key]!.markdownDescription;
  expect(hover('learning_rate')).toMatch(/\n\nA number above 0\.\n\nDefault: `0\.00005`$/);
  expect(hover('max_length')).toMatch(/A whole number from 3 to 8192\.\n\nDefault: `128`$/);
  expect(hover('label_smoothing_factor')).toContain('A number from 0 to below 1.');
  expect(hover('num_train_epochs')).toContain('A number above 0, up to 100000.');
  expect(hover('logging_steps')).toContain('A whole number, 1 or more.');
  expect(hover('lr_scheduler_type')).toContain(
    'One of `"linear"`, `"cosine"`, `"constant"`, `"constant_with_warmup"`, `"slanted_triangular"`.',
  );
  expect(hover('model')).not.toContain('Default');
});

it('leaves all objections to the engine’s checks, and keeps what completion needs', () => {
  const checks = /"(type|minimum|maximum|exclusive\w+|enum|additionalProperties|minLength|minItems|pattern)":/;
  const text = JSON.stringify(recipeEditorSchema(), (key, value) =>
    // `type` is a key of strategies, too.
    key === 'default'
      ? undefined
      : key === 'properties' && typeof value === 'object' && 'type' in value
        ? { ...value, type: undefined }
        : value,
  );
  expect(text).not.toMatch(checks);
  const { strategy, lr_scheduler_type } = properties(recipeEditorSchema());
  expect(lr_scheduler_type!.examples).toEqual([
    'linear',
    'cosine',
    'constant',
    'constant_with_warmup',
    'slanted_triangular',
  ]);
  const ofLora = (strategy!.allOf as { if: object; then: { properties: Properties } }[]).find((one) =>
    JSON.stringify(one.if).includes('"lora"'),
  );
  expect(Object.keys(ofLora!.then.properties)).toEqual(
    expect.arrayContaining(['r', 'lora_alpha', 'lora_dropout', 'target_modules', 'load_in_8bit']),
  );
});

it('checks in full where another tool reads it', () => {
  const schema = recipeJsonSchema();
  expect(schema).toMatchObject({ additionalProperties: false, required: ['model', 'dataset'] });
  expect(properties(schema).learning_rate).toMatchObject({ type: 'number', exclusiveMinimum: 0, default: 5e-5 });
});
