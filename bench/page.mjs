// The figures of bench.mjs as one page, with llama.cpp's as the mark across a bar where they were measured.
import { barChart } from '../dist/src/eval/html/bars.js';
import { htmlPage, htmlTable } from '../dist/src/eval/html/page.js';

/** What is measured: of which more is better, and how it is said. */
const MEASURES = {
  tileMs: ['Tile of the vision tower, less is better', (ms) => `${ms.toFixed(0)} ms`],
  prefill: ['Prompt, more is better', (speed) => `${speed.toFixed(0)} tokens/s`],
  generate: ['Answer, more is better', (speed) => `${speed.toFixed(1)} tokens/s`],
  peakMemory: ['Peak of memory, less is better', (bytes) => `${(bytes / 1e9).toFixed(2)} GB`],
  loadMs: ['Loading, less is better', (ms) => `${ms.toFixed(0)} ms`],
};

/** @param said what was measured, and how */
export function benchPage(rows, said) {
  const ratios = { tileMs: 'tileRatio', prefill: 'prefillRatio', generate: 'generateRatio' };
  const peerOf = (row, key) => {
    const ratio = row[ratios[key]];
    return ratio === undefined ? null : key === 'tileMs' ? row[key] * ratio : row[key] / ratio;
  };
  const chart = ([key, [title, say]]) => {
    const bars = rows.map((row) => ({
      ...{ label: row.type, value: row[key], mark: peerOf(row, key) },
      said: peerOf(row, key)
        ? `${say(row[key])}, llama.cpp ${say(peerOf(row, key))}`
        : say(row[key]),
    }));
    const full = Math.max(...bars.flatMap(({ value, mark }) => [value, mark ?? 0])) || 1;
    return `<h2>${title}</h2>\n${barChart(bars.map((bar) => ({ ...bar, full })))}`;
  };
  const head = ['type', ...Object.keys(MEASURES)];
  const cells = rows.map((row) => [
    row.type,
    ...head.slice(1).map((key) => MEASURES[key][1](row[key])),
  ]);
  const charts = Object.entries(MEASURES).map(chart);
  const body = [`<p class="note">${said}</p>`, htmlTable(head, cells), ...charts].join('\n');
  return htmlPage({ title: 'llava-onevision: speed', body });
}
