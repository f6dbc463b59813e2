/** A report as one page: scores with intervals beside the card's values, categories, and samples to look through. */
import { escaped } from '../../chat/drawing/svg.js';
import { benchmarks } from '../benchmarks/index.js';
import type { Report, ReportRow } from '../report.js';
import { REPORT_HEAD, reportCells, reportNotes } from '../report-text.js';
import { readManifest } from '../results.js';
import { type Bar, barChart } from './bars.js';
import { BROWSE_SAMPLES } from './browse-samples.js';
import { htmlPage, htmlTable } from './page.js';
import { type SampleOptions, type ShownSample, shownSamples } from './samples.js';

/** @param dir of the results @throws ERR_EVAL_RESULTS, ERR_EVAL_DATA, signal.reason */
export async function reportHtml(
  dir: string,
  report: Report,
  options: SampleOptions,
): Promise<string> {
  const manifest = await readManifest(dir);
  const samples: ShownSample[] = [];
  let total = 0;
  for (const benchmark of benchmarks.filter(({ name }) => manifest.benchmarks[name])) {
    const own = await shownSamples(dir, benchmark, { ...options, manifest });
    samples.push(...own.samples);
    total += own.total;
  }
  const body = [
    `<p class="note">Rules ${escaped(report.rules)}, llava-onevision ${escaped(report.version)}. Bars: score; line within: 95 % interval; mark across: the model card.</p>`,
    barChart(report.rows.map(barOf)),
    htmlTable(REPORT_HEAD, report.rows.map(reportCells)),
    ...reportNotes(report).map((note) => `<p class="note">${escaped(note)}</p>`),
    ...report.rows.map(categoriesOf),
    browser(samples, total),
  ].join('\n');
  return htmlPage({ title: report.label, body, data: { samples }, script: BROWSE_SAMPLES });
}

function barOf({ title, score, interval, card, digits }: ReportRow): Bar {
  const values = [100, score ?? 0, card ?? 0];
  const said = score === null ? 'not scored' : score.toFixed(digits);
  return {
    label: title,
    value: score,
    said: card === null ? said : `${said}, card ${card.toFixed(digits)}`,
    interval,
    mark: card,
    full: Math.max(...values),
  };
}

function categoriesOf({ title, categories, digits }: ReportRow): string {
  const entries = Object.entries(categories);
  if (entries.length === 0) return '';
  const most = Math.max(100, ...entries.map(([, { score }]) => score));
  const bars = entries.map(([label, { score, samples }]) => ({
    ...{ label: label || '(none)', value: score, full: most },
    said: `${score.toFixed(digits)}, ${samples} samples`,
  }));
  return `<h2>${escaped(title)}</h2>\n${barChart(bars)}`;
}

function browser(samples: readonly ShownSample[], total: number): string {
  const names = [...new Set(samples.map(({ benchmark }) => benchmark))];
  const kinds = {
    zero: 'score 0',
    above: 'score above 0',
    failed: 'failed',
    unscored: 'not scored',
  };
  const option = (value: string, said: string) =>
    `<option value="${escaped(value)}">${escaped(said)}</option>`;
  return `<h2>Samples</h2>
<p class="note">${samples.length} of ${total}, the lowest scores of each benchmark first.</p>
<div class="filters">
<label>Benchmark <select id="benchmark">${option('', 'all')}${names.map((name) => option(name, name)).join('')}</select></label>
<label>Score <select id="kind">${option('', 'all')}${Object.entries(kinds)
    .map(([value, said]) => option(value, said))
    .join('')}</select></label>
<label>Words <input id="words" type="search"></label>
<span id="count" role="status"></span>
</div>
<div id="samples"></div>
<button id="more" type="button">More</button>`;
}
