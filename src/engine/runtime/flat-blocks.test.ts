import { describe, expect, it } from 'vitest';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { optimize } from '../tensor/graph/optimize.ts';
import { trafficOf } from '../tensor/graph/traffic.ts';
import { record } from '../tensor/record/recorder.ts';
import { type Flattened, flatBlocks, gather, phasesOf, ROW, scatter } from './flat-blocks.ts';
import type { ParameterGroup } from './parameter-store.ts';
import { spreadProgram, updateProgram } from './update-program.ts';

const MIB = 2 ** 20;
const group = (more: Partial<ParameterGroup> = {}): ParameterGroup => ({
  ...{ start: 0, end: 0, decay: true, rate: 1, phases: [0] },
  ...more,
});
const [decayed, plain] = [group(), group({ decay: false })];

describe('flatBlocks', () => {
  const later = group({ phases: [0, 1] });
  const parameters: Flattened[] = [
    { name: 'table', shape: [70, 100], group: decayed },
    { name: 'bias', shape: [5], group: plain },
    { name: 'matrix', shape: [30, 50], group: decayed },
    { name: 'head', shape: [3, 7], group: later },
    { name: 'scale', shape: [1500], group: plain },
  ];

  it.each([Number.POSITIVE_INFINITY, 4 * ROW * 4, 4 * ROW])(
    'lays each number out once, in blocks of at most %d bytes',
    (largest) => {
      const blocks = flatBlocks(parameters, largest);
      const arrays = new Map(
        parameters.map(({ name, shape }, p) => [
          name,
          Float32Array.from({ length: sizeOf(shape) }, (_, i) => 10_000 * (p + 1) + i),
        ]),
      );
      const again = new Map([...arrays].map(([name, array]) => [name, new Float32Array(array.length)]));
      let filled = 0;
      for (const block of blocks) {
        expect(4 * block.rows * ROW).toBeLessThanOrEqual(largest);
        expect(block.groups.reduce((n, { rows }) => n + rows, 0)).toBe(block.rows);
        // Only what is trained together lies together.
        for (const { group } of block.groups) expect(group.phases).toEqual(phasesOf(block));
        // Each piece lies in the rows of its group.
        for (const { name, at, count } of block.pieces) {
          let row = 0;
          const its = parameters.find((p) => p.name === name)!.group;
          const rows = block.groups.find(({ group, rows }) => {
            if (group === its) return true;
            row += rows;
            return false;
          })!.rows;
          expect(at).toBeGreaterThanOrEqual(row * ROW);
          expect(at + count).toBeLessThanOrEqual((row + rows) * ROW);
        }
        const numbers = new Float32Array(block.rows * ROW).fill(-1);
        gather(block, (name) => arrays.get(name)!, numbers);
        filled += numbers.filter((x) => x !== 0).length;
        scatter(block, numbers, (name) => again.get(name)!);
      }
      expect(again).toEqual(arrays);
      expect(filled).toBe(parameters.reduce((n, { shape }) => n + sizeOf(shape), 0));
      expect(new Set(blocks.map(({ name }) => name)).size).toBe(blocks.length);
    },
  );

  it('needs as few blocks as the bytes do', () => {
    const rows = (n: number) => [{ name: 'a', shape: [n, ROW], group: decayed }];
    expect(flatBlocks(rows(8), 4 * ROW * 4).map((block) => block.rows)).toEqual([4, 4]);
    expect(flatBlocks(rows(9), 4 * ROW * 4).map((block) => block.rows)).toEqual([3, 3, 3]);
    expect(flatBlocks([], MIB)).toEqual([]);
  });
});

describe("BERT-base's optimiser step", () => {
  const architecture = architectureOf(
    {
      ...{ model_type: 'bert', vocab_size: 30_522, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12 },
      ...{ intermediate_size: 3072, max_position_embeddings: 512 },
    },
    'config.json',
  );
  const settings = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 };
  const parameters = [...declarationOf(architecture, { outputs: 2 }).parameters.values()].map(
    ({ name, shape, decay }) => ({ name, shape, group: decay ? decayed : plain }),
  );
  const numbers = parameters.reduce((n, { shape }) => n + sizeOf(shape), 0);
  const graphOf = ({ program, inputs }: ReturnType<typeof updateProgram>) =>
    optimize(record(program, inputs), { provider: 'webgpu', isKept: () => true }).graph;

  it.each([
    [128, 4, 59],
    [16, 27, 358],
  ])('with bindings of %d MiB is %d blocks and %d nodes', (mib, count, nodes) => {
    const blocks = flatBlocks(parameters, mib * MIB);
    expect(blocks).toHaveLength(count);
    const graph = graphOf(updateProgram(blocks, settings));
    const traffic = trafficOf(graph);
    expect(traffic.nodes).toBe(nodes);
    // Its 13 nodes read or write each number 30 times; beside that there are norms of rows, and rates.
    expect(traffic.bytes / (4 * numbers)).toBeGreaterThan(30);
    expect(traffic.bytes / (4 * numbers)).toBeLessThan(30.1);
    for (const name of graph.inputs) expect(4 * sizeOf(graph.types.get(name)!.shape)).toBeLessThanOrEqual(mib * MIB);
  });

  it('hands parameters over by a slice each', () => {
    const blocks = flatBlocks(parameters, 128 * MIB);
    const graph = graphOf(spreadProgram(blocks, new Map()));
    const pieces = blocks.reduce((n, block) => n + block.pieces.length, 0);
    const cut = pieces - parameters.length;
    expect(cut).toBeLessThan(blocks.length);
    expect(trafficOf(graph).nodes).toBe(pieces + cut);
    expect(trafficOf(graph).copied).toBe(trafficOf(graph).bytes);
    expect(trafficOf(graph).bytes).toBeGreaterThan(8 * numbers);
  });
});
