/** How fast a loaded model is here: pictures that were never seen, prompts that share nothing, answers that do not end early. */
import type { ChatResult, LlavaOneVision, Part } from '../../index.js';

export interface BenchOptions {
  runs: number;
  promptTokens: number;
  tokens: number;
  /** Path or URL in place of a drawn picture. */
  image?: string;
  signal: AbortSignal;
  onRun?: (done: number) => void;
}

/** Medians of all runs. */
export interface BenchFigures {
  picture?: {
    /** The overview included. */
    tiles: number;
    rows: number;
    tileMs: number;
    /** From the call to the first token of an answer about the picture. */
    firstTokenMs: number;
  };
  prefill: { tokens: number; tokensPerSecond: number };
  generation: { tokens: number; tokensPerSecond: number };
}

const PICTURE = { width: 1024, height: 768 };
const QUESTION = 'What is shown in this picture?';

/** @throws as a chat does */
export async function measure(model: LlavaOneVision, options: BenchOptions): Promise<BenchFigures> {
  const hasTower = model.info.visionBackend !== null;
  // What a chat is made of cannot be said in the answer: so it has no end, and its words do not matter.
  const { tokens } = await model.render([{ role: 'user', content: '' }]);
  const logitBias = Object.fromEntries(
    Array.from(tokens, (id) => [id, Number.NEGATIVE_INFINITY] as const),
  );
  const ask = (content: string | Part[], maxTokens: number) =>
    model.chat([{ role: 'user', content }], {
      ...{ maxTokens, temperature: 0, logitBias, signal: options.signal },
    }).result;
  // Once before, so that weights are read and graphs are built.
  await ask('0 1 2', 2);
  const texts: BenchFigures[] = [];
  const pictures: NonNullable<BenchFigures['picture']>[] = [];
  for (let run = 0; run < options.runs; run++) {
    if (hasTower) pictures.push(await onePicture(ask, options.image ?? drawn(run)));
    const text = await ask(words(options.promptTokens, run), options.tokens);
    texts.push(figuresOf(text));
    options.onRun?.(run + 1);
  }
  const [first] = texts as [BenchFigures];
  const [picture] = pictures;
  const rate = (of: 'prefill' | 'generation') =>
    median(texts.map((one) => one[of].tokensPerSecond));
  return {
    ...(picture && {
      picture: {
        ...picture,
        tileMs: median(pictures.map(({ tileMs }) => tileMs)),
        firstTokenMs: median(pictures.map(({ firstTokenMs }) => firstTokenMs)),
      },
    }),
    prefill: { ...first.prefill, tokensPerSecond: rate('prefill') },
    generation: { ...first.generation, tokensPerSecond: rate('generation') },
  };
}

type Ask = (content: string | Part[], maxTokens: number) => Promise<ChatResult>;
type Picture = Extract<Part, { type: 'image' }>['image'];

async function onePicture(ask: Ask, image: Picture) {
  const startedAt = performance.now();
  const { media, timings } = await ask(
    [
      { type: 'image', image },
      { type: 'text', text: QUESTION },
    ],
    1,
  );
  const firstTokenMs = performance.now() - startedAt;
  const { grid, rows } = media[0]!;
  const tiles = 1 + (grid ? grid.cols * grid.rows : 0);
  return { tiles, rows, tileMs: timings.encodeMs / tiles, firstTokenMs };
}

function figuresOf({ usage, timings }: ChatResult): BenchFigures {
  const perSecond = (tokens: number, ms: number) => (1000 * tokens) / ms;
  const { promptTokens, completionTokens } = usage;
  return {
    prefill: {
      tokens: promptTokens,
      tokensPerSecond: perSecond(promptTokens, timings.prefillMs),
    },
    // The first token comes out of the prefill.
    generation: {
      tokens: completionTokens,
      tokensPerSecond: perSecond(completionTokens - 1, timings.generateMs),
    },
  };
}

/** Different at each run. */
function drawn(run: number): Picture {
  const { width, height } = PICTURE;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + ((i * (run + 1)) >> 5)) & 255;
  return { width, height, data };
}

/** Digits, which are a token each; no two runs begin alike. */
function words(count: number, run: number): string {
  return Array.from({ length: count }, (_, i) => (i * 7919 + i * i * 31 + run) % 10).join('');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
