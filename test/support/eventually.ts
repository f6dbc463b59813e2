import { vi } from 'vitest';

/** Waits for what will be true on any machine, however slow; the test's own time-out is the limit. */
export const eventually = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 600_000 });
