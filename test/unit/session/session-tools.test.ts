/** Calls of tools and their results in a conversation that goes on and is saved. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Message } from '../../../src/index.js';
import { fakeModel } from '../../support/fake-model.js';

const folder = mkdtempSync(join(tmpdir(), 'session-tools-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('are what the model sees, before and after', async () => {
  const prompts: string[] = [];
  const reply = (prompt: string) => `${prompts.push(prompt)}`;
  const messages: Message[] = [
    { role: 'user', content: 'Weather?' },
    {
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'a', name: 'look_up', arguments: { town: 'Ulm', days: [1] } }],
    },
    { role: 'tool', toolCallId: 'a', content: 'rain' },
  ];
  const { model } = await fakeModel({ reply });
  const session = model.session({ messages });
  const path = join(folder, 'saved.session');
  await session.save(path);
  const loaded = await model.loadSession(path);
  expect(loaded.messages).toEqual(messages);
  await session.chat('And?').result;
  await loaded.chat('And?').result;
  expect(prompts[0]).toContain('{"name": "look_up", "arguments": {"town": "Ulm", "days": [1]}}');
  expect(prompts[1]).toBe(prompts[0]);
  await model.dispose();
});
