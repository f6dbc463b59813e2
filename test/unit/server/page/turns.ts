/** Conversations and turns with what a test does not care about filled in. */
import type { Conversation, Media, Turn } from '../../../../src/server/page/model/types.js';

export const settings: Conversation['settings'] = {
  model: '',
  system: '',
  temperature: 0.7,
  topP: 1,
  topK: 0,
  repetitionPenalty: 1,
  maxTokens: 512,
  seed: null,
  stop: [],
  schema: '',
  frames: 16,
};

export function conversation(id: string, more: Partial<Conversation> = {}): Conversation {
  return { id, title: id, created: 1, changed: 1, leaf: null, settings, ...more };
}

export function turn(id: string, parent: string | null, more: Partial<Turn> = {}): Turn {
  return {
    ...{ id, parent, conversation: 'c', role: 'user', text: `text of ${id}`, media: [] },
    ...{ created: 1, ...more },
  };
}

export function picture(id: string): Media {
  return { id, kind: 'image', name: `${id}.png`, type: 'image/png', bytes: 3 };
}
