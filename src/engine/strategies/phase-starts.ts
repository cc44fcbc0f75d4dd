import { formatCompact } from '../../protocol/index.ts';
import { listed } from '../data/problems.ts';
import type { Architecture } from '../models/architecture.ts';
import type { ParameterInfo } from '../models/scope.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import type { Phases } from './phases.ts';

/** Where a run begins to train other parameters, for people. */
export interface PhaseStart {
  /** Steps that are done. */
  step: number;
  /** What is trained from then on, as a sentence's end: "the classifier is trained (…)". */
  message: string;
}

/**
 * Where the phases of a run begin that have a step; none where there is one phase.
 * @param parameters all of the model's
 * @param of which of them each phase trains
 */
export function phaseStarts(
  { numLayers, outputs }: Pick<Architecture, 'numLayers' | 'outputs'>,
  parameters: ReadonlyMap<string, ParameterInfo>,
  { phases, phasesOf }: { phases: Phases; phasesOf: (name: string) => readonly number[] },
): PhaseStart[] {
  if (phases.starts.length === 1) return [];
  const all = [...parameters.values()];
  const count = (some: readonly ParameterInfo[]) => some.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return phases.all
    .filter((phase) => phases.starts[phase] !== phases.starts[phase + 1])
    .map((phase) => {
      const trained = all.filter(({ name }) => phasesOf(name).includes(phase));
      const layers = new Set(trained.flatMap(({ place }) => (place !== 'head' && place >= 0 ? [place] : []))).size;
      const parts = [
        ...(trained.some(({ place }) => place === 'head')
          ? [outputs === undefined ? 'the classifier' : 'the head']
          : []),
        ...(layers > 0 ? [layersOf(layers, numLayers)] : []),
        ...(trained.some(({ place }) => place === -1) ? ['the embeddings'] : []),
      ];
      const are = parts.length > 1 || layers > 1 ? 'are' : 'is';
      const share = `${formatCompact(count(trained))} of ${formatCompact(count(all))} parameters`;
      return { step: phases.starts[phase]!, message: `${listed(parts)} ${are} trained (${share}).` };
    });
}

const layersOf = (layers: number, all: number): string =>
  layers === all ? `all ${all} layers` : layers === 1 ? 'the top layer' : `the top ${layers} of ${all} layers`;
