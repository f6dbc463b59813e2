// Pieces of a JSON text against JSON.parse of the whole: the same members, and the same texts refused.
import { expect, it, test } from 'vitest';
import { jsonPieces } from '../../../src/convert/json-pieces.js';
import { countTurns } from '../../support/turns.js';

type Fields = Record<string, unknown>;

async function piecesOf(text: string, paths: string[], length?: number): Promise<Fields[]> {
  const pieces: Fields[] = [];
  for await (const piece of jsonPieces(Buffer.from(text), paths, length))
    pieces.push(piece as Fields);
  return pieces;
}

const vocab = Object.fromEntries(
  ['a', 'b "quoted"', '{[,', '\\', 'é\u2028', '__proto__x', ' ', '0'].map((token, id) => [
    token,
    id,
  ]),
);
const tokenizer = {
  version: '1.0',
  added_tokens: [{ id: 1, content: ',"}' }, { id: 2 }],
  model: { type: 'BPE', vocab, merges: [['a', 'b'], 'c d', ['{', ',']], tail: { vocab: { x: 1 } } },
  end: null,
};

test.each([1, 2, 5, 20, 1000])(
  'every member is in one piece, with cuts after %i',
  async (length) => {
    for (const space of [undefined, 1, '\t']) {
      const text = JSON.stringify(tokenizer, null, space);
      const pieces = await piecesOf(text, ['model.vocab', 'model.merges'], length);
      if (length < 5) expect(pieces.length).toBeGreaterThan(6);
      const models = pieces.flatMap(({ model }) => (model ? [model as Fields] : []));
      expect(models.flatMap((part) => Object.entries(part.vocab ?? {}))).toEqual(
        expect.arrayContaining(Object.entries(vocab)),
      );
      expect(models.flatMap(({ merges }) => (merges as unknown[]) ?? [])).toEqual(
        tokenizer.model.merges,
      );
      const { model: _, ...whole } = Object.assign({}, ...pieces);
      expect(whole).toEqual({ version: '1.0', added_tokens: tokenizer.added_tokens, end: null });
      expect(Object.assign({}, ...models).tail).toEqual({ vocab: { x: 1 } });
    }
  },
);

it('cuts the outermost object where that is named', async () => {
  const pieces = await piecesOf(JSON.stringify(vocab), [''], 1);
  expect(pieces.length).toBeGreaterThan(4);
  expect(Object.assign({}, ...pieces)).toEqual(vocab);
});

test.each([
  '{"a":1,}',
  '{,"a":1}',
  '{"a":1,,"b":2}',
  '{"a":1 "b":2,"c":3}',
  '{"a":[1,2,]}',
  '{"a":[1,2}, "b":1}',
  '{"a":{"b":1],"c":2}',
  '{"a":"open,"b":2}',
  '{"a":1}}',
  '{"a":1},',
  '{"a":1,"b":2',
  '{"a":1,          }',
  '{               ,"a":1}',
  '',
  '"',
  '{"a":1} {"b":2,"c":3}',
])('refuses %s', async (text) => {
  expect(() => JSON.parse(text)).toThrow();
  for (const paths of [[''], ['a'], []])
    await expect(piecesOf(text, paths, 1)).rejects.toThrow(SyntaxError);
});

it('gives the event loop its turn between pieces', async () => {
  const long = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`token ${i}`, i]));
  const text = JSON.stringify(long);
  expect(await countTurns(() => piecesOf(text, ['']))).toBeGreaterThan(10);
});

it('refuses what nests too deep to be printed', async () => {
  const deep = `{"a":${'['.repeat(70)}${']'.repeat(70)}}`;
  await expect(piecesOf(deep, [''])).rejects.toThrow(RangeError);
});
