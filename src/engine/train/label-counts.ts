import type { TrainerParts } from './trainer-parts.ts';

type Counted = Pick<TrainerParts, 'task' | 'dataset'>;

/** How often each label stands in the training rows, in the labels' order; undefined where rows have none. */
export function labelCounts({ task, dataset }: Counted): number[] | undefined {
  const { labels } = dataset;
  if (labels.length === 0 || task.name === 'regression') return undefined;
  const counts = new Array<number>(labels.length).fill(0);
  for (const row of dataset.train) for (const label of task.outputs(row)) counts[label]!++;
  return counts;
}

/** How often each class of a report stands there, where classes are not labels: types of spans. */
export function classCounts({ task, dataset }: Counted): Map<string, number> | undefined {
  if (task.classesIn === undefined) return undefined;
  const counts = new Map<string, number>();
  for (const row of dataset.train)
    for (const name of task.classesIn(row, dataset.labels)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
