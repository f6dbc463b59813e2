/** What a caller may say about a server, checked and completed. */
import type { FastifyServerOptions } from 'fastify';
import { invalidArgument } from '../errors.js';
import { checkNumber } from '../option-checks.js';
import { aCount, aFlag, aText, checkTable, type OptionCheck, unchecked } from '../option-table.js';
import { checkOrigin } from './allowed-origin.js';
import { ApiKeys } from './keys.js';
import { type MediaRules, mediaRules } from './media/fetch-media.js';

export interface ServerOptions {
  /** The name of a model that is given without one. Default: 'llava-onevision'. */
  modelName?: string;
  /** Who may ask. Without keys only programs of this machine are answered. */
  apiKeys?: ApiKeys | readonly string[];
  /** Answers other machines although there are no keys. */
  noAuth?: boolean;
  /** Names that the server goes by beside `localhost` and bare addresses; '*' is any. */
  allowHosts?: readonly string[];
  /** Origins of pages that may ask: 'https://example.org'; '*' is any. Default: none. */
  allowOrigins?: readonly string[];
  /** What of pictures and clips is read: hosts, a folder, sizes. Default: `data:` URLs alone. */
  media?: Partial<MediaRules>;
  /** Serves the chat page at `/`. Default false: the path stays the program's own. */
  page?: boolean;
  /** How many of several models are in memory at one time. Default: all. */
  maxModels?: number;
  /** Chats at one time. Default 8, as a model's maxSequences. */
  slots?: number;
  /** Requests that may wait beside those. Default 256. */
  maxQueued?: number;
  /** Bytes of one body. Default 64 MiB. */
  maxBodyBytes?: number;
  /** Bytes of all requests in the house. Default 512 MiB. */
  maxTotalBytes?: number;
  /** The largest `n`. Default 8. */
  maxChoices?: number;
  /** The temperature of requests that leave it out. Default: what the model file says, else 0. */
  defaultTemperature?: number;
  /** How long an answer may take that is sent at once. Default 270,000 ms: clients give up after 300 s. */
  deadlineMs?: number;
  /** How long one may take that is streamed. Default 1,800,000 ms. */
  streamDeadlineMs?: number;
  /** How long closing waits for answers under way. Default 30,000 ms. */
  drainMs?: number;
  /** How long the headers, and the whole of a request, may take to arrive. Default 10,000 and 60,000 ms. */
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  /** Pause between comment lines of a silent stream. Default 15,000 ms. */
  heartbeatMs?: number;
  /** How long a reader may take nothing of its stream. Default 60,000 ms. */
  stallMs?: number;
  /** fastify's: pino's options, or false. Lines never hold what was asked or answered. Default false. */
  logger?: FastifyServerOptions['logger'];
}

type Open = 'apiKeys' | 'media' | 'defaultTemperature';

export interface ServerSettings extends Required<Omit<ServerOptions, Open>> {
  apiKeys: ApiKeys | undefined;
  media: MediaRules;
  defaultTemperature: number | undefined;
  allowedHosts: ReadonlySet<string>;
  allowedOrigins: ReadonlySet<string>;
}

const aTime = aCount(2 ** 31 - 1);
const textList: OptionCheck = (name, value) => {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string' && one !== ''))
    throw invalidArgument(name, 'an array of texts', value);
};

const CHECKS: Record<keyof ServerOptions, OptionCheck> = {
  modelName: aText,
  apiKeys: (name, value) => value instanceof ApiKeys || textList(name, value),
  noAuth: aFlag,
  allowHosts: textList,
  allowOrigins: (name, value) => {
    textList(name, value);
    for (const origin of value as readonly string[]) checkOrigin(name, origin);
  },
  media: unchecked,
  page: aFlag,
  maxModels: aCount(1024),
  slots: aCount(256),
  maxQueued: (name, value) => value === 0 || aCount(2 ** 20)(name, value),
  maxBodyBytes: aCount(2 ** 30),
  maxTotalBytes: aCount(Number.MAX_SAFE_INTEGER),
  maxChoices: aCount(256),
  defaultTemperature: (name, value) =>
    checkNumber(name, value, { fallback: undefined, min: 0, max: 2 }),
  deadlineMs: aTime,
  streamDeadlineMs: aTime,
  drainMs: (name, value) => value === 0 || aTime(name, value),
  headersTimeoutMs: aTime,
  requestTimeoutMs: aTime,
  heartbeatMs: aTime,
  stallMs: aTime,
  logger: unchecked,
};

const DEFAULTS = {
  modelName: 'llava-onevision',
  noAuth: false,
  allowHosts: [],
  allowOrigins: [],
  page: false,
  maxModels: 1024,
  slots: 8,
  maxQueued: 256,
  maxBodyBytes: 64 * 2 ** 20,
  maxTotalBytes: 512 * 2 ** 20,
  maxChoices: 8,
  deadlineMs: 270_000,
  streamDeadlineMs: 1_800_000,
  drainMs: 30_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  heartbeatMs: 15_000,
  stallMs: 60_000,
  logger: false,
} satisfies ServerOptions;

/** @throws ERR_INVALID_ARGUMENT */
export function resolveServerOptions(given: unknown): ServerSettings {
  const { apiKeys, media, ...rest } = checkTable<ServerOptions>(given, CHECKS);
  const settings = { ...DEFAULTS, ...rest };
  return {
    ...settings,
    apiKeys: Array.isArray(apiKeys) ? new ApiKeys(apiKeys) : (apiKeys as ApiKeys | undefined),
    media: mediaRules(media ?? {}),
    defaultTemperature: rest.defaultTemperature,
    allowedHosts: new Set(settings.allowHosts.map((name) => name.toLowerCase())),
    allowedOrigins: new Set(settings.allowOrigins),
  };
}
