/** What a new conversation begins with: what was last set in any. The system prompt and the schema belong to one alone. */
import { readLocal, writeLocal } from './local.js';
import type { Settings } from './types.js';

const KEPT_AS = 'settings';

export const PLAIN: Readonly<Settings> = {
  model: '',
  system: '',
  temperature: 0,
  topP: null,
  topK: null,
  repetitionPenalty: null,
  maxTokens: 1024,
  seed: null,
  stop: [],
  schema: '',
  frames: 32,
};

/** Only what has the kind that it should have: the browser's storage is anybody's to change. */
export function startSettings(): Settings {
  try {
    const found: unknown = JSON.parse(readLocal(KEPT_AS) ?? '{}');
    if (typeof found !== 'object' || found === null) return { ...PLAIN };
    const values = found as Record<string, unknown>;
    const fitting = Object.entries(PLAIN).map(([name, plain]) => {
      const value = values[name];
      const isFitting = typeof value === (plain === null ? 'number' : typeof plain);
      return [name, isFitting ? value : plain];
    });
    return { ...(Object.fromEntries(fitting) as Settings), stop: [] };
  } catch {
    return { ...PLAIN };
  }
}

export function keepAsStart(settings: Settings): void {
  const { system: _system, schema: _schema, seed: _seed, stop: _stop, ...rest } = settings;
  writeLocal(KEPT_AS, JSON.stringify(rest));
}
