/** The figures of `bench` as one page that needs nothing else: bars of times, bars of rates, and the table of what is printed. */
import { type Bar, barChart } from '../../eval/html/bars.js';
import { htmlPage, htmlTable } from '../../eval/html/page.js';
import { type BenchResult, inTime, perSecond } from './describe.js';

/** @param rows what describe() says of it */
export function benchHtml(
  { model, picture, prefill, generation }: BenchResult,
  rows: readonly (readonly [label: string, text: string])[],
): string {
  const time = (label: string, value: number, full: number): Bar => {
    return { label, value, full, said: inTime(value) };
  };
  const fastest = Math.max(prefill.tokensPerSecond, generation.tokensPerSecond);
  const rate = (label: string, figure: BenchResult['prefill']): Bar => {
    return { label, value: figure.tokensPerSecond, full: fastest, said: perSecond(figure) };
  };
  const times = picture
    ? [
        '<h2>Times of a picture</h2>',
        barChart([
          time('one tile', picture.tileMs, picture.firstTokenMs),
          time('all tiles', picture.tileMs * picture.tiles, picture.firstTokenMs),
          time('first token', picture.firstTokenMs, picture.firstTokenMs),
        ]),
      ]
    : [];
  const body = [
    ...times,
    '<h2>Tokens a second</h2>',
    barChart([rate('of a prompt', prefill), rate('of an answer', generation)]),
    '<h2>Figures</h2>',
    htmlTable(['', ''], rows),
  ];
  return htmlPage({ title: `How fast ${model} answers`, body: body.join('\n') });
}
