// The figures of bench.mjs as one page, with llama.cpp's as the mark across a bar where they were measured.
import { barChart } from '../dist/src/eval/html/bars.js';
import { htmlPage, htmlTable } from '../dist/src/eval/html/page.js';

const HEAD = ['type', 'stage', 'ours', "to ggml's kernels", 'to llama.cpp', 'of the limit'];

const times = (value) => (value === undefined ? '' : `${value.toFixed(2)}×`);
const percent = (value) => (value === undefined ? '' : `${Math.round(100 * value)} %`);
const say = ({ unit }, value) => `${value.toFixed(1)} ${unit}`;
const isTime = ({ unit }) => unit === 'ms';

function bar(row) {
  const { type, value, toLlamaCpp } = row;
  if (toLlamaCpp === undefined) return { label: type, value, mark: null, said: say(row, value) };
  const there = isTime(row) ? value * toLlamaCpp : value / toLlamaCpp;
  return {
    label: type,
    value,
    mark: there,
    said: `${say(row, value)}, llama.cpp ${say(row, there)}`,
  };
}

function chart(stage, rows) {
  const bars = rows.map(bar);
  const full = Math.max(...bars.flatMap(({ value, mark }) => [value, mark ?? 0])) || 1;
  const title = `${stage}, ${isTime(rows[0]) ? 'less' : 'more'} is better`;
  return `<h2>${title}</h2>\n${barChart(bars.map((one) => ({ ...one, full })))}`;
}

/** @param said what was measured, and how */
export function benchPage(rows, said) {
  const cells = rows.map((row) => [
    row.type,
    row.stage,
    say(row, row.value),
    times(row.toGgml),
    times(row.toLlamaCpp),
    percent(row.share),
  ]);
  const stages = [...new Set(rows.map(({ stage }) => stage))];
  const charts = stages.map((stage) =>
    chart(
      stage,
      rows.filter((row) => row.stage === stage),
    ),
  );
  const body = [`<p class="note">${said}</p>`, htmlTable(HEAD, cells), ...charts].join('\n');
  return htmlPage({ title: 'llava-onevision: speed', body });
}
