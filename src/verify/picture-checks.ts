/** The table's picture: what its size decides, whether the file is it, its visual rows, and answers about it. */
import type { Engine } from '../chat/engine.js';
import { LlavaError } from '../errors.js';
import { sha256File } from '../gguf/checksum-file.js';
import type { LlavaOneVision } from '../llava-onevision.js';
import type { Message } from '../prompt/messages.js';
import { planImage } from '../vision/image-plan.js';
import { precisionOf, rowBound } from './bounds.js';
import type { Checked } from './checked.js';
import type { KnownAnswers, PictureAnswers } from './known-answers.js';
import { type CheckResult, COARSE, exact, near, skipped } from './report.js';

const NO_MMPROJ = 'needs the mmproj';

/** Needs no picture. */
export function checkGeometry({
  picture,
  vision,
  dialect,
}: Pick<Checked, 'vision' | 'dialect'> & Pick<KnownAnswers, 'picture'>): CheckResult[] {
  if (!picture) return [];
  if (!vision) return [skipped('tiles and rows of the picture', NO_MMPROJ)];
  const { grid, final, nTiles, rows } = planImage(picture, vision, { dialect, imageCount: 1 });
  const facts: [name: string, expected: unknown, got: unknown][] = [
    ['tiles of the picture', picture.tiles, nTiles],
    ['grid [columns, rows]', picture.grid, [grid!.cols, grid!.rows]],
    ['feature map [rows, columns]', picture.final, [final.rows, final.cols]],
    ['visual rows of the picture', picture.rows, rows],
  ];
  return facts
    .filter(([, expected]) => expected !== undefined)
    .map(([name, expected, got]) => exact(name, expected, got));
}

/** Whether `options.image` is the table's picture. @throws ERR_IMAGE_DECODE */
export async function checkImageFile({
  table,
  options,
}: Omit<Checked, 'isOnGpu'>): Promise<CheckResult[]> {
  const { image } = options;
  if (image === undefined || !table.picture?.sha256) return [];
  const got = await sha256File(image).catch((cause) => {
    throw new LlavaError(
      'ERR_IMAGE_DECODE',
      `Cannot read the picture ${image}: ${cause.message}`,
      { source: image },
      { cause },
    );
  });
  const { sha256, url } = table.picture;
  const result = exact('SHA-256 of the picture', sha256, got);
  if (result.status === 'pass') return [result];
  const advice = url ? `download ${url} as it is` : 'give the picture that the table is about';
  return [{ ...result, note: `${image} is another file, or was saved anew; ${advice}` }];
}

/** @param model null when the picture is not there */
export async function checkPicture(
  checked: Checked,
  model: LlavaOneVision | null,
  engine: Engine,
): Promise<CheckResult[]> {
  const { picture, answers = [] } = checked.table;
  if (!picture) return [];
  if (!model) {
    const names = [
      ...(picture.visualRows ? ['values of visual rows'] : []),
      ...answers.map(({ question }) => `answer to ${JSON.stringify(question)}`),
    ];
    return names.map((name) => skipped(name, missing(checked, picture)));
  }
  const results = picture.visualRows ? [await checkRows(checked, picture.visualRows, model)] : [];
  for (const answer of answers) results.push(await checkAnswer(checked, answer, { model, engine }));
  return results;
}

function missing({ options, vision }: Checked, { url }: PictureAnswers): string {
  if (!vision) return NO_MMPROJ;
  if (options.image !== undefined) return 'it is another picture';
  return `needs the picture (\`image\`)${url ? `: ${url}` : ''}`;
}

async function checkRows(
  { table, types, isOnGpu, options }: Checked,
  known: NonNullable<PictureAnswers['visualRows']>,
  model: LlavaOneVision,
): Promise<CheckResult> {
  const name = 'values of visual rows';
  const { signal } = options;
  const messages = ask(options.image!, '');
  const [media] = await model.embed(messages, signal ? { signal } : {});
  const { data, rows, width } = media!;
  const outside = known.find(({ row, values }) => row >= rows || values.length > width);
  if (outside)
    return exact(name, { row: outside.row, values: outside.values.length }, { rows, width });
  const expected = known.flatMap(({ values }) => values);
  const got = known.flatMap(({ row, values }) => [
    ...data.subarray(row * width, row * width + values.length),
  ]);
  const norm = (values: number[]) => Math.hypot(...values);
  const difference = norm(expected.map((value, i) => value - got[i]!)) / norm(expected);
  const reference = table.precision ?? 'f32';
  const bound = rowBound({ file: precisionOf(types.mmproj), reference, isOnGpu });
  return near(`${name}, relative`, { expected, got, difference }, bound);
}

async function checkAnswer(
  { types, options }: Checked,
  { question, starts = [], tokens = [] }: NonNullable<KnownAnswers['answers']>[number],
  { model, engine }: { model: LlavaOneVision; engine: Engine },
): Promise<CheckResult> {
  const { signal, image, onProgress } = options;
  const lengths = [
    ...tokens.map(({ length }) => length),
    // An answer may spell the same beginning with other tokens.
    ...starts.map((start) => engine.model.tokenize(start).length + 4),
  ];
  const { text, tokens: got } = await model.chat(ask(image!, question), {
    temperature: 0,
    repetitionPenalty: 1,
    maxTokens: Math.max(1, ...lengths),
    ...(signal && { signal }),
    onProgress: ({ done, total }) => onProgress?.('picture', done / total),
  }).result;
  const isKnown =
    starts.some((start) => text.trimStart().startsWith(start)) ||
    tokens.some((ids) => ids.every((id, i) => id === got[i]));
  const isCoarse = [types.model, types.mmproj].some((type) => precisionOf(type) === null);
  const name = `answer to ${JSON.stringify(question)}`;
  const figures = {
    expected: [...starts, ...tokens.map((ids) => ids.join(' '))].join(' | '),
    got: tokens.length > 0 ? `${text} (${[...got].join(' ')})` : text,
  };
  if (isKnown) return { name, status: 'pass', ...figures };
  return isCoarse
    ? { name, status: 'shown', ...figures, note: COARSE }
    : { name, status: 'fail', ...figures };
}

function ask(image: string, text: string): Message[] {
  return [
    {
      role: 'user',
      content: [
        { type: 'image', image },
        { type: 'text', text },
      ],
    },
  ];
}
