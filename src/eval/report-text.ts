/** A report as a table on a terminal, and as Markdown. */
import type { Report, ReportFigure, ReportRow } from './report.js';
import type { Interval } from './statistics.js';

export const REPORT_HEAD = [
  'row',
  'score',
  '95 %',
  'card',
  'difference',
  'samples',
  'errors',
  'tokens',
  'time',
];

export function reportTable(report: Report): string {
  const cells = [REPORT_HEAD, ...report.rows.map(reportCells)];
  const widths = REPORT_HEAD.map((_, column) =>
    Math.max(...cells.map((row) => row[column]!.length)),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...reportNotes(report), ''].join('\n');
}

export function reportMarkdown(report: Report): string {
  const rows = report.rows.map((row) => `| ${reportCells(row).join(' | ')} |`);
  const notes = reportNotes(report).map((note) => `- ${note}`);
  return [
    `# ${report.label}`,
    '',
    `Rules ${report.rules}, llava-onevision ${report.version}.`,
    '',
    `| ${REPORT_HEAD.join(' | ')} |`,
    `|---|${'--:|'.repeat(REPORT_HEAD.length - 1)}`,
    ...rows,
    ...(notes.length > 0 ? ['', ...notes] : []),
    ...categoriesOf(report.rows),
    '',
  ].join('\n');
}

export function formatInterval(interval: Interval | null, digits: number): string {
  return interval ? `${interval[0].toFixed(digits)} … ${interval[1].toFixed(digits)}` : '';
}

/** '+0.4' */
export function signed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) > 0 ? `+${text}` : text;
}

/** '1 h 05 min', '3 min 20 s', '4.2 s' */
export function formatSeconds(seconds: number): string {
  const pad = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad((seconds % 3600) / 60)} min`;
}

export function reportCells(row: ReportRow): string[] {
  const { score, interval, card, difference, digits } = row;
  return [
    row.title,
    score === null ? '-' : score.toFixed(digits),
    formatInterval(interval, digits),
    card === null ? '' : card.toFixed(digits),
    difference === null ? '' : signed(difference, digits),
    row.samples === row.selected ? String(row.samples) : `${row.samples} of ${row.selected}`,
    String(row.errors),
    String(row.promptTokens + row.answerTokens),
    formatSeconds(row.seconds),
  ];
}

export function reportNotes({ rows, figures }: Report): string[] {
  const notes = rows.flatMap((row) => {
    const unscored = Object.entries(row.unscored).map(([why, count]) => `${count} ${why}`);
    const parts = [
      ...(row.note ? [row.note] : []),
      ...(unscored.length > 0 ? [`without a score: ${unscored.join(', ')}`] : []),
      ...(row.errors > 0 ? [`${row.errors} questions failed and are not in the score`] : []),
      ...(row.random > 0 ? [`${row.random} answers could not be read and were drawn`] : []),
    ];
    return parts.length > 0 ? [`${row.title}: ${parts.join('; ')}.`] : [];
  });
  return [...notes, ...figures.map(figureLine)];
}

function figureLine({ benchmark, name, score, interval, samples }: ReportFigure): string {
  if (score === null) return `${benchmark}, ${name}: not scored.`;
  const range = interval ? ` (${formatInterval(interval, 2)})` : '';
  return `${benchmark}, ${name}: ${score.toFixed(2)}${range}, ${samples} samples.`;
}

function categoriesOf(rows: readonly ReportRow[]): string[] {
  return rows.flatMap(({ title, categories, digits }) => {
    const lines = Object.entries(categories).map(
      ([name, { score, samples }]) => `| ${name} | ${score.toFixed(digits)} | ${samples} |`,
    );
    if (lines.length === 0) return [];
    return ['', `## ${title}`, '', '| category | score | samples |', '|---|--:|--:|', ...lines];
  });
}
