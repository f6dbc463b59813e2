/** Every export, given what no caller should give: it works or throws a LlavaError, never anything else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as api from '../../src/index.js';
import { fakeBinding } from '../support/fake-binding.js';
import { ask, type FakeModel, fakeModel } from '../support/fake-model.js';

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const throws = () => {
  throw new TypeError('mine');
};

const ODD: [what: string, value: unknown][] = [
  ['null', null],
  ['zero', 0],
  ['a negative number', -1],
  ['a fraction', 1.5],
  ['NaN', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['a bigint', 10n],
  ['a symbol', Symbol('odd')],
  ['no text', ''],
  ['a NUL', '\0'],
  ['half a character', '\ud800'],
  ['a long text', 'x'.repeat(1e5)],
  ['a list', []],
  ['a list of null', [null]],
  ['a list of lists', [[[]]]],
  ['an object', {}],
  ['an object without prototype', Object.create(null)],
  ['a function', () => {}],
  ['a function that cannot be named', Object.assign(() => {}, { toString: throws })],
  ['a date that is none', new Date(Number.NaN)],
  ['a promise', Promise.resolve()],
  ['a constructor named by a symbol', { constructor: { name: Symbol('odd') } }],
  ['a constructor that throws', Object.defineProperty({}, 'constructor', { get: throws })],
  ['a revoked object', revoked({})],
  ['a revoked list', revoked([])],
  ['a revoked function', revoked(() => {})],
  ['an object that lists nothing', new Proxy({}, { ownKeys: throws })],
  ['an object whose members throw', new Proxy({}, { get: throws, has: throws })],
];

/** The addon's matcher, as far as it gets. */
class Grammar {
  matches = async () => false;
  dispose = async () => {};
}

type Call = (value: never) => unknown;

/** What an object of options may have, as its refusal of another says. */
async function namesOf(call: (options: never) => unknown): Promise<string[]> {
  const error = await outcome(() => call({ thereIsNoSuchOption: 1 } as never));
  const [, names] = /^one of (.*) as an option$/.exec(String((error as api.LlavaError).expected))!;
  return names!.split(', ');
}

async function outcome(work: () => unknown): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}

let folder: string;
let fake: FakeModel;
const binding = fakeBinding();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'odd-values-'));
  // Options that say nothing must not ask the network either.
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  vi.stubEnv('HF_HUB_CACHE', folder);
  vi.stubEnv('LLAVA_ONEVISION_CACHE', folder);
  fake = await fakeModel();
  Object.assign(fake.binding, { Grammar });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await fake.model.dispose();
  rmSync(folder, { recursive: true });
});

/** Each option by its name, and all of them at once. */
const withOptions =
  (call: (options: never) => unknown, base: object = {}): (() => Promise<[string, Call][]>) =>
  async () => [
    ['options', call],
    ...(await namesOf(call)).map((name): [string, Call] => [
      name,
      (value) => call({ ...base, [name]: value } as never),
    ]),
  ];

const asked = (content: unknown) => [{ role: 'user', content }] as never;
const session = () => fake.model.session();
/** What can be a path must not become a file here. */
const inFolder = (path: unknown) =>
  (typeof path === 'string' && path !== '' ? join(folder, path) : path) as string;
const gguf = '/nowhere/x.gguf';

const DOORS: Record<string, (() => Promise<[string, Call][]>)[]> = {
  convert: [
    withOptions((o) => api.convert(o, binding), { checkpoint: '/nowhere', outdir: '/nowhere' }),
  ],
  convertLora: [
    withOptions((o) => api.convertLora(o, binding), { adapter: '/nowhere', outdir: '/nowhere' }),
  ],
  quantize: [withOptions((o) => api.quantize(o, binding), { file: gguf, outtype: 'q8_0' })],
  verify: [withOptions((o) => api.verify(o), { model: gguf })],
  pull: [
    async () => [['repo', (value) => api.pull(value, { offline: true, cacheDir: folder })]],
    async () =>
      withOptions((o) => api.pull('owner/name', o), { offline: true, cacheDir: folder })(),
  ],
  resolveModel: [
    async () => [['model', (value) => api.resolveModel(value, { offline: true })]],
    withOptions((o) => api.resolveModel('owner/name', o), { offline: true }),
  ],
  devices: [async () => [['backend', (value) => api.devices(value)]]],
  jsonSchemaToGrammar: [
    async () => [
      ['schema', (value) => api.jsonSchemaToGrammar(value)],
      ['type', (type) => api.jsonSchemaToGrammar({ type })],
      ['properties', (properties) => api.jsonSchemaToGrammar({ type: 'object', properties })],
      ['property', (a) => api.jsonSchemaToGrammar({ type: 'object', properties: { a } })],
      ['enum', (value) => api.jsonSchemaToGrammar({ enum: value })],
    ],
  ],
  LlavaOneVision: [
    withOptions((o) => api.LlavaOneVision.load(o), { model: gguf }),
    withOptions((o) => fake.model.chat(ask('?'), o)),
    withOptions((o) => fake.model.render(ask('?'), o)),
    withOptions((o) => fake.model.embed(ask('?'), o)),
    withOptions((o) => fake.model.session(o)),
    withOptions((o) => session().chat('?', o)),
    withOptions((o) => session().save(join(folder, 'saved'), o)),
    withOptions((o) => fake.model.loadSession(join(folder, 'absent'), o)),
    async () => [
      ['chat', (value) => fake.model.chat(value)],
      ['chat [message]', (value) => fake.model.chat([value])],
      ['role', (role) => fake.model.chat([{ role, content: '' }])],
      ['content', (value) => fake.model.chat(asked(value))],
      ['part', (value) => fake.model.chat(asked([value]))],
      ['text', (text) => fake.model.chat(asked([{ type: 'text', text }]))],
      ['image', (image) => fake.model.render(asked([{ type: 'image', image }]))],
      [
        'width',
        (width) => fake.model.render(asked([{ type: 'image', image: { width, data: 1 } }])),
      ],
      ['video', (video) => fake.model.render(asked([{ type: 'video', video }]))],
      ['frame', (frame) => fake.model.render(asked([{ type: 'video', video: [frame] }]))],
      ['session.chat', (value) => session().chat(value)],
      ['session.save', (path) => session().save(inFolder(path))],
      ['loadSession', (path) => fake.model.loadSession(path)],
      ['matches', (text) => fake.model.matches(text, { type: 'json_object' })],
      ['format', (format) => fake.model.matches('{}', format)],
      ['type', (type) => fake.model.matches('{}', { type } as never)],
      ['schema', (schema) => fake.model.matches('{}', { type: 'json_schema', schema })],
      ['grammar', (grammar) => fake.model.matches('{}', { type: 'grammar', grammar })],
    ],
  ],
};

/** Made by the package, not by its callers. */
const NO_DOORS = ['LlavaError'];

it('every export is here', () => {
  expect(Object.keys(api).sort()).toEqual([...Object.keys(DOORS), ...NO_DOORS].sort());
});

describe('odd values make no other error than ours', () => {
  it.each(Object.entries(DOORS))(
    '%s',
    async (_, doors) => {
      const others: string[] = [];
      for (const door of doors)
        for (const [place, call] of await door())
          for (const [what, value] of ODD) {
            const error = await outcome(() => call(value as never));
            if (error !== undefined && !(error instanceof api.LlavaError))
              others.push(
                `${place}: ${what}: ${error instanceof Error ? error.stack : 'no error'}`,
              );
          }
      expect(others).toEqual([]);
    },
    120_000,
  );
});
