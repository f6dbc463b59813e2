/** Text that is searched: without case and accents, widths of East Asian letters alike. */

export function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
