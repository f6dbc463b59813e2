/**
 * Before each file of a project whose files share a process (`isolate: false` of vitest.config.ts): modules of its own,
 * and nothing left of what other files put in place of variables and globals.
 */
import { vi } from 'vitest';

vi.unstubAllEnvs();
vi.unstubAllGlobals();
vi.useRealTimers();
vi.resetModules();
