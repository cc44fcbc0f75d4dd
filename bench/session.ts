import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Rates, Round } from './spec.ts';

/** What was measured of a case so far. */
export interface CaseRounds {
  rounds: Round[];
  rates: Rates;
}

/**
 * What a call of `bench` has measured until now, written after each round, so that the next call goes on where one was
 * ended. A call that comes to its end forgets its own cases.
 */
export class Session {
  readonly #file: string | null;
  readonly #cases: Record<string, CaseRounds>;

  private constructor(file: string | null, cases: Record<string, CaseRounds>) {
    this.#file = file;
    this.#cases = cases;
  }

  static open(root: string, { fresh }: { fresh: boolean }): Session {
    const file = join(root, '.luthier/bench/session.json');
    const known = existsSync(file) && !fresh;
    return new Session(file, known ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, CaseRounds>) : {});
  }

  /** Of measurements that nobody resumes. */
  static unkept(): Session {
    return new Session(null, {});
  }

  of(name: string): CaseRounds {
    return this.#cases[name] ?? { rounds: [], rates: {} };
  }

  keep(name: string, measured: CaseRounds): void {
    this.#cases[name] = measured;
    this.#write();
  }

  forget(names: readonly string[]): void {
    for (const name of names) delete this.#cases[name];
    if (this.#file !== null && Object.keys(this.#cases).length === 0) rmSync(this.#file, { force: true });
    else this.#write();
  }

  #write(): void {
    if (this.#file === null) return;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, JSON.stringify(this.#cases));
  }
}
