import { z } from 'zod';
import { counted } from '../../protocol/index.ts';
import { type Model, type StrategyKind, WrongKey } from './kind.ts';
import { moduleOf } from './whole.ts';

/** A key of strategies that learn a prompt. */
export const num_virtual_tokens = z.number().int().min(1).max(10_000).default(20).describe('Number of virtual tokens.');

/** What a prompt is, and what is trained whole beside it. */
export const trainsPrompt: StrategyKind['trained'] = (_, { prompt }) => {
  const whole = new Set(prompt?.modulesToSave);
  return ({ name, isAdapter }) => isAdapter === true || whole.has(moduleOf(name));
};

/** @throws WrongKey where so many virtual tokens leave a text less than half of the positions */
export function refuseTooMany(count: number, { positions }: Model): void {
  const most = Math.floor(positions / 2);
  if (count <= most) return;
  throw new WrongKey(
    'num_virtual_tokens',
    `strategy.num_virtual_tokens is ${count}, but the model has ${counted(positions, 'position')} for the prompt and the text together.`,
    `Set it to ${most} or less; 20 is usual.`,
    Math.min(20, most),
  );
}
