/** Short messages that the page shows for a while, one at a time. */
import { signal } from '@preact/signals';

export interface Notice {
  text: string;
  /** Told at once by screen readers, and stays until it is closed. */
  isUrgent: boolean;
  action?: { label: string; run: () => void };
}

export const notice = signal<Notice | null>(null);

/** @returns what is shown from now on, until another is told */
export function tell(text: string, more: Partial<Notice> = {}): Notice {
  const told = { isUrgent: false, ...more, text };
  notice.value = told;
  return told;
}

/** Of whatever was thrown, for people. */
export const reason = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What screen readers say next; not seen. */
export const spoken = signal('');

export function say(text: string): void {
  // The same words again are said again only where they differ.
  spoken.value = text === spoken.value ? `${text}\u00a0` : text;
}
