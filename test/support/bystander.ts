/**
 * A server on the toy model that is abused, and one who asks it ordinary things all the while: each of those answers may take
 * twice the turns of the event loop that it takes alone, where a step, a tile and a copy are a turn each. Nothing is timed.
 */
import type { FastifyInstance } from 'fastify';
import { expect, onTestFinished } from 'vitest';
import { bounded } from './bounded.js';
import { CHAT, type Serving, type ServingOptions, serving } from './serving.js';
import { countTurns } from './turns.js';

const QUESTION = 'What does the bystander ask?';
const ANSWER = 'It is well. '.repeat(4);
/** Of the loop's own, around the steps. */
const SLACK = 8;

export interface Abused extends Serving {
  /** Prompts that others than the bystander had answered. */
  asked: string[];
}

/** As `serving`. What happens to it until the test ends slows nobody by more than twice, and takes no more memory than it may. */
export async function abused({ fake, server, ...rest }: ServingOptions = {}): Promise<Abused> {
  const asked: string[] = [];
  const reply = (prompt: string) => {
    if (prompt.includes(QUESTION)) return ANSWER;
    asked.push(prompt);
    return fake?.reply?.(prompt) ?? 'yes';
  };
  const served = await serving({ ...rest, server, fake: { ...fake, reply } });
  const ask = () => ordinary(served.app, server?.apiKeys);
  const alone = Math.max(await ask(), await ask(), await ask());
  const turns: number[] = [];
  let isOver = false;
  const watched = bounded(async () => {
    do turns.push(await ask());
    while (!isOver);
  });
  watched.catch(() => {});
  onTestFinished(async () => {
    isOver = true;
    await watched;
    expect(Math.max(...turns), 'turns').toBeLessThanOrEqual(2 * alone + SLACK);
  });
  return { ...served, asked };
}

/** @returns turns until it was answered */
function ordinary(app: FastifyInstance, keys: NonNullable<ServingOptions['server']>['apiKeys']) {
  const headers = Array.isArray(keys) ? { 'x-api-key': String(keys[0]) } : {};
  const payload = { messages: [{ role: 'user', content: QUESTION }] };
  return countTurns(async () => {
    const reply = await app.inject({ method: 'POST', url: CHAT, payload, headers });
    expect([reply.statusCode, reply.json().choices[0].message.content]).toEqual([200, ANSWER]);
  });
}
