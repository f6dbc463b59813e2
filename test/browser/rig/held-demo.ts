/**
 * The demonstration's model behind the real server in this process, where a test can hold its steps, and take the server away and
 * bring it back at the same address. It goes by two names, so that the page has a choice of models.
 */
import type { FastifyInstance } from 'fastify';
import { backendFor } from '../../../src/addon/load-addon.js';
import type { ChatOptions, Message, ResponseFormat } from '../../../src/index.js';
import { LlavaOneVision } from '../../../src/llava-onevision.js';
import { loadEngine } from '../../../src/load/load-engine.js';
import { resolveLoadOptions } from '../../../src/load/load-options.js';
import { planLoad, readModelFiles } from '../../../src/load/load-plan.js';
import { createServer, type ServerOptions } from '../../../src/server/index.js';
import { convertedFiles } from '../../support/golden.js';
import { listening } from '../../support/serving.js';
import { StepGate } from './step-gate.js';

export interface HeldDemo {
  url: string;
  gate: StepGate;
  /** What answers have to be that are asked for without a schema: its own are a few words, never Markdown. */
  grammar: string | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

export async function heldDemo(options: ServerOptions = {}): Promise<HeldDemo> {
  const gate = new StepGate();
  const model = await heldModel(gate);
  const ask = model.chat.bind(model);
  model.chat = ((messages: Message[], asked: ChatOptions = {}) => {
    const { grammar } = demo;
    const responseFormat: ResponseFormat | undefined =
      asked.responseFormat ?? (grammar === undefined ? undefined : { type: 'grammar', grammar });
    return ask(messages, { ...asked, ...(responseFormat && { responseFormat }) });
  }) as typeof model.chat;
  let app: FastifyInstance | undefined;
  const demo: HeldDemo = {
    ...{ url: '', gate, grammar: undefined },
    async start() {
      app = createServer(
        { demo: model, 'demo-again': model },
        { page: true, drainMs: 0, ...options },
      );
      if (demo.url === '') demo.url = (await listening(app)).url;
      else await app.listen({ port: Number(new URL(demo.url).port), host: '127.0.0.1' });
    },
    async stop() {
      gate.release();
      await app?.close();
      app = undefined;
    },
    async close() {
      await demo.stop();
      await model.dispose();
    },
  };
  await demo.start();
  return demo;
}

/** Loaded as `LlavaOneVision.load` does. */
async function heldModel(gate: StepGate): Promise<LlavaOneVision> {
  const paths = await convertedFiles('demo', 'f16');
  const settings = resolveLoadOptions({ ...paths, contextSize: 8192, threads: 1, backend: 'cpu' });
  const addon = backendFor('cpu');
  const files = await readModelFiles(settings);
  const plan = planLoad(files, settings, addon);
  const engine = await loadEngine(files, plan, { settings, binding: addon.binding });
  const { context } = engine;
  const step = context.step.bind(context);
  context.step = async (slices) => {
    // Those that write: how many a prompt takes is not the test's to know.
    if (slices.some(({ data }) => data instanceof Int32Array && data.length === 1))
      await gate.pass();
    return step(slices);
  };
  return new LlavaOneVision(engine, plan);
}
