/**
 * What the page keeps and shows. A conversation is a tree of turns: another answer to the same question, or the same question
 * asked otherwise, is a sibling; `leaf` is the end of the branch that is shown. Media are blobs of their own, named by id, so that
 * a list of conversations reads none of them.
 */

/** Of newId(). */
export type Id = string;

export interface Conversation {
  id: Id;
  title: string;
  /** Milliseconds since 1970. */
  created: number;
  changed: number;
  leaf: Id | null;
  settings: Settings;
}

export interface Settings {
  /** Of the server's list; empty: its first. */
  model: string;
  system: string;
  temperature: number;
  /** Null, as for the next two: what the model's file says. */
  topP: number | null;
  topK: number | null;
  repetitionPenalty: number | null;
  maxTokens: number;
  /** Empty: every answer draws its own. */
  seed: number | null;
  stop: string[];
  /** JSON schema as it was typed; empty: none. */
  schema: string;
  /** Frames looked at of each clip. */
  frames: number;
}

export interface Turn {
  id: Id;
  conversation: Id;
  parent: Id | null;
  role: 'user' | 'assistant';
  text: string;
  media: Media[];
  created: number;
  /** Of an answer. 'writing' in a stored turn: the page was closed meanwhile. */
  state?: 'writing' | 'done' | 'stopped' | 'length' | 'failed';
  /** Why it failed, for people. */
  error?: string;
  /** Who answered. */
  model?: string;
  /** Whether it was asked for by a schema: shown as a table or tree. */
  isJson?: boolean;
  seen?: Seen;
}

export interface Media {
  id: Id;
  kind: 'image' | 'video';
  /** The file's name as its owner has it: text, never markup. */
  name: string;
  type: string;
  bytes: number;
}

/** What the server tells of an answer. */
export interface Seen {
  media: SeenMedia[];
  usage: {
    promptTokens: number;
    imageTokens: number;
    cachedTokens: number;
    completionTokens: number;
  };
  /** Milliseconds per stage, by the server's names (`encode_ms` …). */
  timings: Record<string, number>;
  seed?: number;
}

export type SeenMedia = SeenImage | SeenVideo;

export interface Size {
  width: number;
  height: number;
}

export type Box = { x: number; y: number } & Size;

/** In pixels of the canvas that the tiles cover, but `image`. */
export interface SeenImage {
  kind: 'image';
  rows: number;
  cached: boolean;
  image: Size;
  canvas: Size;
  /** Where the picture lies on the canvas; around it is padding. */
  picture: Box;
  /** One tile where there is no grid. */
  grid: { cols: number; rows: number };
  tile: number;
  hasOverview: boolean;
  /** Whose features are used. */
  kept?: Box;
}

export interface SeenVideo {
  kind: 'video';
  rows: number;
  cached: boolean;
  /** Undefined where the frames themselves were sent. */
  seconds?: number;
  /** When each chosen frame is shown, in seconds. */
  frames: number[];
}
