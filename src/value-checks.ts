/** Forms of parsed JSON, put together of small checks. They say yes or no; what is wrong is for people to see in the file. */
import { isRecord } from './option-checks.js';

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === 'string' && value !== '';
export const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isSize: Check = (value) => isCount(value) && value !== 0;
export const isId: Check = (value) => value === -1 || isCount(value);
export const isHash: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
export const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string);
export const listOf =
  (check: Check, length?: number): Check =>
  (value) =>
    Array.isArray(value) && value.every(check) && (length === undefined || value.length === length);
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
/** Without fields that have no meaning. */
export const record =
  (fields: Record<string, Check>): Check =>
  (value) =>
    isRecord(value) &&
    Object.keys(value).every((key) => Object.hasOwn(fields, key)) &&
    Object.entries(fields).every(([key, check]) => check(value[key]));

export const eitherOf =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
