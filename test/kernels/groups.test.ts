// A token's nodes in one go (native/kernels/token-group.h) beside the same nodes one by one: what comes out is the same, in
// graphs like llama.cpp's and in such as differ in one thing that must not be left unwritten.
import { beforeAll, describe, expect, test } from 'vitest';
import { compare, hasPrograms, VARIANTS } from '../support/kernels.js';

interface Graph {
  set: string;
  type: string;
  other: string;
  width: number;
  inner: number;
  twist: string;
  /** Of the graph, views not counted; `grouped` has views between others. */
  nodes: number;
  grouped: number;
  values: number;
  isEqual: boolean;
  endsWhenAborted: boolean;
}

describe.runIf(hasPrograms).each(VARIANTS)('%s', (variant) => {
  let graphs: Graph[] | null;
  beforeAll(async () => {
    graphs = await compare<Graph>('groups', variant);
  });

  test('results are those of single nodes, bit by bit at any number of threads', ({ skip }) => {
    if (!graphs) skip('this CPU has not the instruction set');
    expect(graphs!.length).toBeGreaterThan(10);
    expect(graphs!.filter(({ isEqual, values }) => !isEqual || values < 330)).toEqual([]);
  });

  test('all nodes but attention are computed so in a graph as a token has it', ({ skip }) => {
    if (!graphs) skip('this CPU has not the instruction set');
    const plain = graphs!.filter(({ twist, type }) => twist === 'none' && type === 'f16');
    expect(plain.length).toBeGreaterThan(0);
    // Two layers' attention, the scale before them; views between others count too.
    expect(plain.filter(({ nodes, grouped }) => grouped < nodes - 3)).toEqual([]);
  });

  test('fewer where others use what lies between', ({ skip }) => {
    if (!graphs) skip('this CPU has not the instruction set');
    const grouped = (name: string) => graphs!.find(({ twist }) => twist === name)!.grouped;
    const all = graphs![0]!.grouped;
    for (const twist of ['queryIsKept', 'upIsUsed', 'gateIsViewed', 'geglu']) {
      expect(grouped(twist), twist).toBeLessThan(all);
    }
    expect(grouped('batch')).toBe(0);
  });

  test('a graph that is aborted ends at that node', ({ skip }) => {
    if (!graphs) skip('this CPU has not the instruction set');
    expect(graphs!.filter(({ endsWhenAborted }) => !endsWhenAborted)).toEqual([]);
  });
});

test.skipIf(hasPrograms)('needs programs: npm run test:kernels builds them', ({ skip }) => {
  skip();
});
