import { largest } from '../../protocol/index.ts';
import { STRATEGIES } from '../strategies/index.ts';

/** What `luthier train --help` says of each strategy: what it trains, and its keys. */
export function strategiesHelp(): string {
  const width = largest(Object.keys(STRATEGIES), (type) => type.length) + 4;
  const lines = Object.entries(STRATEGIES).flatMap(([type, { schema }]) => {
    const keys = Object.keys(schema.shape).filter((key) => key !== 'type');
    const indent = ' '.repeat(width);
    return [
      `  ${type}`.padEnd(width) + (schema.shape.type.description ?? ''),
      ...(keys.length > 0 ? [`${indent}(${keys.join(', ')})`] : []),
    ];
  });
  return `
Strategies (key "strategy" of the recipe, or for example
--set strategy.type=lora --set strategy.r=16):
${lines.join('\n')}
docs/recipe.md lists every key.`;
}
