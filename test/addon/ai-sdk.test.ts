// The AI SDK on the demo model in this process: text, objects, tools, streams, aborts, and what docs/ai-sdk.md shows.
import { readFile } from 'node:fs/promises';
import { generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { LlavaOneVision } from '../../src/index.js';
import { llavaOneVision } from '../../src/providers/ai-sdk.js';
import { PICTURE } from '../support/demo-chats.js';
import { convertedFiles } from '../support/golden.js';
import { clipTests, movingClip } from '../support/moving-clip.js';
import { runSnippet, snippetsOf } from '../support/snippets.js';

let loaded: LlavaOneVision;
let files: { model: string; mmproj: string };
beforeAll(async () => {
  files = { ...(await convertedFiles('demo', 'f16')) };
  loaded = await LlavaOneVision.load({ ...files, threads: 1, contextSize: 4096 });
});
afterAll(() => loaded?.dispose());

const see = async (text: string) => [
  {
    role: 'user' as const,
    content: [
      { type: 'file' as const, mediaType: 'image/png', data: await readFile(PICTURE) },
      { type: 'text' as const, text },
    ],
  },
];
/** Without these ids no answer ends by itself. */
const endless = { llavaOneVision: { logitBias: { 1256: -1e6, 1258: -1e6 } } };

it('answers as the library does, and tells what was cached', async () => {
  const content = [
    { type: 'image' as const, image: PICTURE },
    { type: 'text' as const, text: 'Describe the image.' },
  ];
  const own = await loaded.chat([{ role: 'user', content }]).result;
  const model = llavaOneVision(Promise.resolve(loaded), { modelId: 'demo' });
  const messages = await see('Describe the image.');
  const { text, usage, finishReason, response, providerMetadata, warnings } = await generateText({
    model,
    messages,
  });
  expect(text).toBe(own.text);
  expect(finishReason).toBe('stop');
  expect(usage.inputTokens).toBe(own.usage.promptTokens);
  expect(usage.outputTokens).toBe(own.usage.completionTokens);
  expect(usage.inputTokenDetails.cacheReadTokens).toBeGreaterThan(own.usage.promptTokens / 2);
  expect(response.modelId).toBe('demo');
  expect(providerMetadata?.llavaOneVision).toMatchObject({ visualTokens: own.usage.visualTokens });
  expect(warnings ?? []).toEqual([]);
});

it('a clip is looked at frame by frame, as many as are wanted', clipTests, async () => {
  const clip = movingClip();
  const question = { type: 'text' as const, text: 'Describe the video.' };
  const own = await loaded.chat([
    { role: 'user', content: [{ type: 'video', video: clip, frames: 3 }, question] },
  ]).result;
  const of = (frames: number, ofPart?: number) =>
    generateText({
      model: llavaOneVision(loaded, { defaults: { frames } }),
      messages: [
        {
          role: 'user',
          content: [
            {
              ...{ type: 'file', mediaType: 'video/mp4', data: clip },
              ...(ofPart && { providerOptions: { llavaOneVision: { frames: ofPart } } }),
            },
            question,
          ],
        },
      ],
    });
  const { text, usage } = await of(3);
  expect([text, usage.inputTokens]).toEqual([own.text, own.usage.promptTokens]);
  expect((await of(5, 3)).usage.inputTokens).toBe(own.usage.promptTokens);
  expect((await of(5)).usage.inputTokens).toBeGreaterThan(own.usage.promptTokens);
});

it('streams the same text, and ends within the limit', async () => {
  const model = llavaOneVision(loaded);
  const messages = await see('Describe the image.');
  const whole = await generateText({ model, messages });
  const stream = streamText({ model, messages });
  const pieces: string[] = [];
  for await (const piece of stream.textStream) pieces.push(piece);
  expect(pieces.join('')).toBe(whole.text);
  expect(pieces.length).toBeGreaterThan(1);
  expect(await stream.finishReason).toBe('stop');
  const short = await generateText({ model, messages, maxOutputTokens: 1 });
  expect([short.finishReason, short.usage.outputTokens]).toEqual(['length', 1]);
});

it('objects keep their schema, whole and streamed', async () => {
  const model = llavaOneVision(loaded);
  const schema = z.object({
    shapes: z.array(z.enum(['circle', 'square'])).max(2),
    many: z.boolean(),
  });
  const messages = await see('What shapes?');
  const { output } = await generateText({ model, messages, output: Output.object({ schema }) });
  expect(schema.parse(output)).toEqual(output);
  const stream = streamText({ model, messages, output: Output.object({ schema }) });
  let last: unknown;
  for await (const part of stream.partialOutputStream) last = part;
  expect(last).toEqual(output);
});

it.each(['generateText', 'streamText'])('a loop of tools in %s', async (name) => {
  const executed: unknown[] = [];
  const lamp = tool({
    description: 'Switches the lamp.',
    inputSchema: z.object({ on: z.boolean() }),
    execute: async (input) => {
      executed.push(input);
      return { done: input.on };
    },
  });
  const options = {
    ...{ model: llavaOneVision(loaded), prompt: 'Light, please.', tools: { lamp } },
    prepareStep: ({ stepNumber }: { stepNumber: number }) => ({
      toolChoice:
        stepNumber < 2 ? { type: 'tool' as const, toolName: 'lamp' as const } : ('none' as const),
    }),
    ...{ stopWhen: stepCountIs(3), maxOutputTokens: 60 },
  };
  const steps =
    name === 'generateText' ? (await generateText(options)).steps : await streamText(options).steps;
  expect(executed).toEqual([{ on: expect.any(Boolean) }, { on: expect.any(Boolean) }]);
  expect(steps.map(({ finishReason }) => finishReason).slice(0, 2)).toEqual([
    'tool-calls',
    'tool-calls',
  ]);
  expect(steps[0]!.toolCalls).toMatchObject([{ toolName: 'lamp', input: executed[0] }]);
  expect(steps[2]!.toolCalls).toEqual([]);
});

it('an abort ends a call with its reason, and a stream as the SDK tells it', async () => {
  const model = llavaOneVision(loaded);
  const long = { model, prompt: 'Go on.', maxOutputTokens: 3000, providerOptions: endless };
  const reason = new Error('enough');
  await expect(
    generateText({ ...long, abortSignal: AbortSignal.abort(reason), maxRetries: 0 }),
  ).rejects.toBe(reason);
  const controller = new AbortController();
  let isAborted = false;
  const { fullStream } = streamText({
    ...{ ...long, abortSignal: controller.signal },
    onAbort: () => {
      isAborted = true;
    },
  });
  for await (const { type } of fullStream) if (type === 'text-delta') controller.abort();
  expect(isAborted).toBe(true);
  // Its place is free again.
  expect((await generateText({ model, prompt: 'Hi', maxOutputTokens: 2 })).text).toEqual(
    expect.any(String),
  );
});

it('what fails says so, as an error of ours', async () => {
  const model = llavaOneVision(loaded);
  const data = Buffer.from('no picture');
  const messages = [
    { role: 'user' as const, content: [{ type: 'file' as const, mediaType: 'image/png', data }] },
  ];
  const code = 'ERR_IMAGE_DECODE';
  await expect(generateText({ model, messages, maxRetries: 0 })).rejects.toMatchObject({ code });
  const errors: unknown[] = [];
  const { fullStream } = streamText({
    model,
    messages,
    onError: ({ error }) => void errors.push(error),
  });
  for await (const _ of fullStream);
  expect(errors).toMatchObject([{ code }]);
});

const PRINTED = [
  /^.+ \d+$/,
  /./,
  /^(red|orange|blue) (true|false)$/,
  /^2 \[object Object\]$/,
  /^stop$/,
];

it('the snippets of the page print what they say', async () => {
  const snippets = snippetsOf('docs/ai-sdk.md');
  expect(snippets).toHaveLength(PRINTED.length);
  const given = {
    ...{ readFile, generateText, streamText, tool, stepCountIs, Output, z },
    ...{ LlavaOneVision, llavaOneVision, files: { ...files, threads: 1 }, picture: PICTURE },
  };
  for (const [i, code] of snippets.entries()) {
    const more = i === 0 ? {} : { model: llavaOneVision(loaded) };
    expect(await runSnippet(code, { ...given, ...more })).toMatch(PRINTED[i]!);
  }
});
