import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LuthierError } from '../src/protocol/index.ts';
import type { Stepper } from './process.ts';
import type { Contender, Result, Round } from './spec.ts';

/** Steps of a turn: both sides see the same machine, and a call that is ended loses little. */
export const TURN = 5;

/** What learns: bench/tune.ts, or its like in PyTorch. */
export type Learner = Pick<Stepper, 'run' | 'evaluate' | 'save' | 'load' | 'total'>;

export interface EpochOptions {
  of: (contender: Contender) => Learner;
  /** Ours first: it leaves the others what they learn from. */
  contenders: readonly Contender[];
  /** What an earlier call came to; each turn is added. */
  rounds: Round[];
  /** Where what was learnt is kept between two calls. */
  folder: string;
  /** Turns at most; null for the whole epoch. */
  most: number | null;
  /** A turn is done, of so many. */
  onTurn: (turn: number, of: number) => void;
}

/**
 * One epoch of each side, a few steps in turn, then the loss on the rows held out. After each turn both sides keep what
 * they have learnt, so that the next call goes on there with the same losses.
 * @returns steps that were taken, those of an epoch, and each side's loss on the rows held out
 */
export async function trainEpoch({ of, contenders, rounds, folder, most, onTurn }: EpochOptions): Promise<{
  steps: number;
  total: number;
  heldOut: Partial<Record<Contender, number>>;
}> {
  const total = await of(contenders[0]!).total();
  const kept = (contender: Contender, turn: number) => join(folder, `${contender}-${turn}`);
  const begun = rounds.length;
  if (begun === 0) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const contender of begun > 0 ? contenders : []) {
    const path = kept(contender, begun);
    if (!existsSync(path)) throw new LuthierError('usage', `${path} is gone.`, 'Pass --fresh to start over.');
    await of(contender).load(path);
  }
  const turns = Math.min(Math.ceil(total / TURN), most ?? Number.POSITIVE_INFINITY);
  for (let turn = begun; turn < turns; turn++) {
    const round: Round = {};
    const order = turn % 2 ? [...contenders].reverse() : contenders;
    for (const contender of order) round[contender] = await of(contender).run(Math.min(TURN, total - turn * TURN));
    for (const contender of contenders) await of(contender).save(kept(contender, turn + 1));
    rounds.push(round);
    onTurn(turn + 1, turns);
    // Only now: a call that ends before goes on from the turn before.
    for (const contender of contenders) rmSync(kept(contender, turn), { recursive: true, force: true });
  }
  const heldOut: Partial<Record<Contender, number>> = {};
  for (const contender of contenders) heldOut[contender] = await of(contender).evaluate();
  return { steps: Math.min(total, rounds.length * TURN), total, heldOut };
}

/** Places in the epoch whose losses the table has: each fifth of it. */
const SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** An epoch as a table for bench/NOTES.md. */
export function epochTable(result: Result, rounds: readonly Round[]): string {
  const losses = (side: Contender) => rounds.flatMap((round) => round[side]?.losses ?? []);
  const [ours, peers] = [losses('luthier'), losses(result.peer)];
  const at = SHARES.map((share) => Math.max(0, Math.round(share * ours.length) - 1));
  const seconds = (ms: number) => `${(ms / 1000).toFixed(0)} s`;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const row = (...cells: string[]) => `| ${cells.join(' | ')} |`;
  const { held_out_perplexity: held, peer_held_out_perplexity: peerHeld } = result;
  return [
    row(result.measures, 'Luthier', 'peft'),
    '|---|---|---|',
    ...at.map((step) => row(`loss of step ${step + 1}`, ours[step]!.toFixed(7), peers[step]!.toFixed(7))),
    row(`largest difference of a step’s loss, of ${ours.length}`, result.loss_difference!.toExponential(1), ''),
    row('perplexity on the dialogues held out', held?.toFixed(4) ?? '', peerHeld?.toFixed(4) ?? ''),
    row(`time of all steps (ratio ${result.ratio.toFixed(2)})`, seconds(result.ms), seconds(result.peer_ms)),
    row('peak memory', gigabytes(result.peak_rss_bytes), gigabytes(result.peer_peak_rss_bytes)),
    '',
    `\`${result.command}\``,
  ].join('\n');
}
