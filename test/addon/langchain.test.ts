// LangChain.js on the demo model in this process: answers, streams, tools, shapes, aborts, and what docs/langchain.md shows.
import { readFile } from 'node:fs/promises';
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { LlavaOneVision, type Message } from '../../src/index.js';
import { ChatLlavaOneVision } from '../../src/providers/langchain.js';
import { PICTURE } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';
import { clipTests, movingClip } from '../support/moving-clip.js';
import { runSnippet, snippetsOf } from '../support/snippets.js';

let loaded: LlavaOneVision;
let chat: ChatLlavaOneVision;
beforeAll(async () => {
  const files = await convertedFiles('demo', 'f16');
  loaded = await LlavaOneVision.load({ ...files, threads: 1, contextSize: 4096 });
  chat = new ChatLlavaOneVision({ model: loaded, options: { maxTokens: 60 } });
});
afterAll(() => loaded?.dispose());

const light = tool(async () => 'done', {
  name: 'light',
  description: 'Switches the light.',
  schema: z.object({ on: z.boolean() }),
});

it.each(['v0', 'v1', 'openai'])('a picture as %s names it, whole and streamed', async (form) => {
  const data = await readFile(PICTURE, 'base64');
  const block = {
    v0: { type: 'image', source_type: 'base64', mime_type: 'image/png', data },
    v1: { type: 'image', mimeType: 'image/png', data },
    openai: { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
  }[form]!;
  const text = { type: 'text' as const, text: 'Describe the image.' };
  const messages = [new HumanMessage({ content: [block, text] as never })];
  const content = [{ type: 'image' as const, image: PICTURE }, text];
  const own = await loaded.chat([{ role: 'user', content }], { maxTokens: 60 }).result;
  const answer = await chat.invoke(messages);
  expect(answer.text).toBe(own.text);
  expect(answer.usage_metadata).toMatchObject({
    ...{ input_tokens: own.usage.promptTokens, output_tokens: own.usage.completionTokens },
    input_token_details: { cache_read: expect.any(Number) },
  });
  expect(answer.response_metadata).toMatchObject({ finish_reason: 'stop' });
  let streamed = new AIMessage('').text;
  for await (const chunk of await chat.stream(messages)) streamed += chunk.text;
  expect(streamed).toBe(own.text);
});

it('a clip is looked at frame by frame', clipTests, async () => {
  const clip = movingClip();
  const data = clip.toString('base64');
  const question = { type: 'text' as const, text: 'Describe the video.' };
  const own = await loaded.chat(
    [{ role: 'user', content: [{ type: 'video', video: clip }, question] }],
    { maxTokens: 60 },
  ).result;
  for (const block of [
    { type: 'video', mimeType: 'video/mp4', data },
    { type: 'video', url: `data:video/mp4;base64,${data}` },
  ]) {
    const { text, usage_metadata: usage } = await chat.invoke([
      new HumanMessage({ content: [block, question] as never }),
    ]);
    expect([text, usage?.input_tokens]).toEqual([own.text, own.usage.promptTokens]);
  }
  expect(own.usage.visualTokens).toBeGreaterThan(0);
});

it('a conversation with calls and their results is the one that the library takes', async () => {
  const call = { id: 'c1', name: 'light', args: { on: true } };
  const { text } = await chat
    .bindTools([light], { tool_choice: 'none' })
    .invoke([
      new SystemMessage('Be brief.'),
      new HumanMessage('Light!'),
      new AIMessage({ content: '', tool_calls: [call] }),
      new ToolMessage({ content: 'done', tool_call_id: 'c1' }),
    ]);
  const messages: Message[] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Light!' },
    {
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'c1', name: 'light', arguments: { on: true } }],
    },
    { role: 'tool', content: 'done', toolCallId: 'c1' },
  ];
  expect(text).toBe((await loaded.chat(messages, { maxTokens: 60 }).result).text);
});

it('calls are whole, and the same in pieces', async () => {
  const bound = chat.bindTools([light], { tool_choice: 'light' });
  const { tool_calls: calls } = await bound.invoke('Light!');
  expect(calls).toMatchObject([{ name: 'light', args: { on: expect.any(Boolean) } }]);
  let whole: Awaited<ReturnType<typeof bound.invoke>> | undefined;
  for await (const chunk of await bound.stream('Light!')) whole = whole?.concat(chunk) ?? chunk;
  expect(whole!.tool_calls).toMatchObject([{ name: 'light', args: calls![0]!.args }]);
  const shaped = chat.withStructuredOutput(z.object({ round: z.boolean() }));
  expect(await shaped.invoke('Is it round?')).toEqual({ round: expect.any(Boolean) });
  const cut = new ChatLlavaOneVision({ model: loaded, options: { maxTokens: 2 } });
  const schema = z.object({ round: z.boolean() });
  await expect(cut.withStructuredOutput(schema).invoke('?')).rejects.toThrow('No whole JSON');
  const { raw, parsed } = await cut.withStructuredOutput(schema, { includeRaw: true }).invoke('?');
  expect([raw.response_metadata.finish_reason, parsed]).toEqual(['length', null]);
});

it('an abort ends a call, and what cannot be opened is said', async () => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(chat.invoke('Hi', { signal })).rejects.toThrow();
  const about = (block: object) => chat.invoke([new HumanMessage({ content: [block] as never })]);
  const code = 'ERR_INVALID_ARGUMENT';
  for (const url of ['file:///etc/passwd', '/etc/passwd', 'http://127.0.0.1:1/x.png'])
    await expect(about({ type: 'image_url', image_url: { url } })).rejects.toMatchObject({ code });
  await expect(about({ type: 'audio', data: 'AA==' })).rejects.toMatchObject({ code });
  const open = new ChatLlavaOneVision({ model: loaded, allowUrls: true, maxRetries: 0 });
  const gone = { type: 'image', url: 'http://127.0.0.1:1/x.png' };
  await expect(open.invoke([new HumanMessage({ content: [gone] as never })])).rejects.toMatchObject(
    { code: 'ERR_IMAGE_DECODE' },
  );
});

const PRINTED = [/^.+ \d+$/, /./, /^true$/, /^light boolean$/];

it('the snippets of the page print what they say', async () => {
  const snippets = snippetsOf('docs/langchain.md');
  expect(snippets).toHaveLength(PRINTED.length);
  const given = { readFile, HumanMessage, tool, z, ChatLlavaOneVision, loaded, picture: PICTURE };
  for (const [i, code] of snippets.entries())
    expect(await runSnippet(code, i === 0 ? given : { ...given, chat })).toMatch(PRINTED[i]!);
});
