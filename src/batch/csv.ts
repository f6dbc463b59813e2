/** Records as rows of a table, by RFC 4180 with LF. A schema's properties get columns of their own. */
import { isRecord } from '../option-checks.js';
import { type BatchRecord, known, type RecordFormat } from './record.js';

const BEFORE = ['id', 'text'];
const AFTER = [
  ...['finishReason', 'promptTokens', 'visualTokens', 'completionTokens', 'error'],
  ...['question', 'settings'],
];

/** @param properties of the answers, of which each becomes a column `parsed.NAME` */
export function csvFormat(properties: readonly string[]): RecordFormat {
  const columns = [...BEFORE, ...properties.map((name) => `parsed.${name}`), ...AFTER];
  return {
    head: row(columns),
    write: (record) => row(cells(record, properties)),
    read(text) {
      const values = fields(text.replace(/\r$/, '')); // as spreadsheets save it
      if (values.length !== columns.length) return undefined;
      const [error = '', question, settings] = values.slice(-3);
      return known([values[0], question, settings], error !== '');
    },
    // A line feed within quotes belongs to its cell.
    isWhole: (text) => (text.split('"').length - 1) % 2 === 0,
  };
}

function cells(record: BatchRecord, properties: readonly string[]): unknown[] {
  const { id, text, parsed, finishReason, usage, error, question, settings } = record;
  const value = (name: string) => (isRecord(parsed) ? parsed[name] : undefined);
  const { promptTokens, visualTokens, completionTokens } = usage ?? {};
  const counts = [promptTokens, visualTokens, completionTokens];
  const problem = error && `${error.code}: ${error.message}`;
  return [id, text, ...properties.map(value), finishReason, ...counts, problem, question, settings];
}

function row(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\n`;
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function fields(text: string): string[] {
  return Array.from(text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
  );
}
