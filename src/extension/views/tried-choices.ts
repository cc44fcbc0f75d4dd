import { taskOf } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { Cancelled } from '../errors.ts';
import { type Questions, separator } from '../questions.ts';
import { describeRunItem, stateIcon } from '../runs/present.ts';
import { datasetName, hasModel } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { tell } from '../ui.ts';
import { baseChoice, listBases } from './base-choices.ts';
import { HEADS } from './base-model.ts';
import { type Tried, triedId, triedName, writes } from './tried.ts';

/**
 * Asks for another run or base model whose answers are labels, tags, values or words: those that write have a page of
 * another kind.
 * @param shown the one that is tried now
 * @throws Cancelled, also where there is no other
 */
export async function askTried(
  questions: Questions,
  { store, service }: { store: RunStore; service: EngineService },
  shown: Tried,
): Promise<Tried> {
  const runs = store.all().filter((run) => hasModel(run) && taskOf(run.record.recipe.task).name in HEADS);
  const bases = (await questions.work('Looking for models…', (signal) => listBases(service, signal))).filter(
    ({ answers }) => answers !== null && !writes(answers),
  );
  const now = triedId(shown);
  const described = (tried: Tried, description: string | undefined) =>
    [description, triedId(tried) === now ? 'shown now' : ''].filter(Boolean).join(' · ');
  const trained = runs.map((run) => ({
    label: `$(${stateIcon(run).icon}) ${run.record.name}`,
    description: described(run, describeRunItem(run, null)),
    detail: datasetName(run.record),
    value: run as Tried,
  }));
  const untrained = bases.map((model) => {
    const choice = baseChoice(model);
    return { ...choice, description: described(choice.value!, choice.description), value: choice.value as Tried };
  });
  const other = [...trained, ...untrained].find(({ value }) => triedId(value) !== now);
  if (!other) {
    void tell('information', `${triedName(shown)} is the only model that can be tried on this page.`);
    throw new Cancelled();
  }
  return (await questions.ask<Tried>({
    placeholder: 'Which model do you want to try?',
    items: [...trained, ...(untrained.length > 0 ? [separator('Base models'), ...untrained] : [])],
    active: other,
  })) as Tried;
}
