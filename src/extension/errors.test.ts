import { expect, test } from 'vitest';
import { HostError, inEditor, toErrorData, toHostError } from './errors.ts';

test('a hint in the Problems view names no command of the terminal', () => {
  expect(inEditor('“luthier models list” shows the available models. Check the spelling.')).toBe('Check the spelling.');
  expect(inEditor('"luthier models list" shows the available models.')).toBeUndefined();
  expect(inEditor('Pass fewer tokens. luthier generate --help explains each flag.')).toBe('Pass fewer tokens.');
  expect(inEditor('Paths are relative to the recipe’s folder.')).toBe('Paths are relative to the recipe’s folder.');
});

test('a page is told where the log says more', () => {
  const stopped = new HostError('engine-stopped', 'The engine stopped.', 'It restarts.', ['showLog']);
  expect(toErrorData(stopped)).toEqual({
    ...{ code: 'internal', message: 'The engine stopped.', hint: 'It restarts.', logged: true },
  });
  expect(toErrorData(toHostError(new Error('No space left.')))).toMatchObject({ logged: true });
  expect(toErrorData(new HostError('model-not-found', 'There is no such model.'))).not.toHaveProperty('logged');
});
