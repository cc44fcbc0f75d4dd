import { expect, test } from 'vitest';
import { inEditor } from './errors.ts';

test('a hint in the Problems view names no command of the terminal', () => {
  expect(inEditor('“luthier models list” shows the available models. Check the spelling.')).toBe('Check the spelling.');
  expect(inEditor('"luthier models list" shows the available models.')).toBeUndefined();
  expect(inEditor('Pass fewer tokens. luthier generate --help explains each flag.')).toBe('Pass fewer tokens.');
  expect(inEditor('Paths are relative to the recipe’s folder.')).toBe('Paths are relative to the recipe’s folder.');
});
