/** Fenced code whose fence is not closed yet. */
import type { Token } from 'marked';

export interface OpenCode {
  text: string;
  /** Empty while its line is not complete. */
  language: string;
}

/** Undefined for all other blocks. */
export function openCode({ type, raw }: Token): OpenCode | undefined {
  const [, fence, info, rest] = /^ {0,3}(`{3,}|~{3,})([^\n]*)(\n[\s\S]*)?$/.exec(raw) ?? [];
  if (type !== 'code' || fence === undefined) return undefined;
  const isClosed = new RegExp(`\n {0,3}${fence[0]}{${fence.length},}[ \t]*\n*$`).test(rest ?? '');
  if (isClosed) return undefined;
  // The end of the text may be the beginning of the fence's end.
  const text = (rest ?? '').slice(1).replace(new RegExp(`(^|\n) {0,3}${fence[0]}+$`), '');
  return { text, language: rest === undefined ? '' : (info!.trim().split(/\s/)[0] ?? '') };
}
