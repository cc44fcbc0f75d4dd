export * from './dataset.ts';
export * from './errors.ts';
export * from './evaluation.ts';
export * from './events.ts';
export * from './recipe.ts';
export * from './run.ts';
export * from './service.ts';
