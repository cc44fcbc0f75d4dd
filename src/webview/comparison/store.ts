import type { Candidate, CandidateResult, Comparison, ComparisonAsked } from '../../protocol/comparison.ts';
import type { ComparisonMessage, ComparisonPageState } from '../../protocol/comparison-page.ts';
import type { ErrorData } from '../../protocol/errors.ts';

export type Measured = Candidate & { result: CandidateResult };

/** What a comparison's page shows; no DOM in here. */
export class ComparisonStore {
  asked: ComparisonAsked | null = null;
  comparison: Comparison | null = null;
  isWorking = false;
  /** Of the candidate at work. */
  share = 0;
  failure: ErrorData | null = null;

  apply(message: ComparisonMessage): void {
    switch (message.type) {
      case 'snapshot': {
        const { asked, comparison, isWorking } = message;
        Object.assign(this, { asked, comparison, isWorking, share: 0 });
        // What failed before it was begun again is no longer of interest.
        if (isWorking) this.failure = null;
        return;
      }
      case 'progress':
        this.share = message.share;
        return;
      case 'failed':
        this.failure = message.error;
    }
  }

  get measured(): Measured[] {
    return (this.comparison?.candidates ?? []).filter((candidate): candidate is Measured => candidate.result !== null);
  }

  /** Whether it can be gone on with. */
  get isResumable(): boolean {
    return !this.isWorking && this.asked !== null && this.comparison?.state !== 'done';
  }

  /** What VS Code keeps to bring the page back; null before anything is known. */
  kept(): ComparisonPageState | null {
    return this.asked === null ? null : { version: 1, asked: this.asked, id: this.comparison?.id ?? null };
  }
}
