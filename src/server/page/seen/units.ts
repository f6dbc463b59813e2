/** Numbers as people read them. */
import { words } from '../words/words.js';

export const whole = (value: number): string => Math.round(value).toLocaleString(words().code);

/** 840 ms, 2.31 s, 75 s */
export function seconds(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 9995 ? 2 : ms < 99_950 ? 1 : 0)} s`;
}

/** 0:07.5, as on a time line. */
export function clock(at: number): string {
  const tenths = Math.round(at * 10);
  const minutes = Math.floor(tenths / 600);
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, '0');
  return `${minutes}:${rest}`;
}
