/** The two kinds of media that are read: how large they may be, and how a refusal is said. */
import { LlavaError, type LlavaErrorCode } from '../errors.js';

/** What a location is to hold: limits in bytes, and how a refusal is said. */
export interface MediaKind {
  noun: 'image' | 'video';
  code: LlavaErrorCode;
  maxFileBytes: number;
  maxDownloadBytes: number;
}

export const IMAGE: MediaKind = {
  noun: 'image',
  code: 'ERR_IMAGE_DECODE',
  maxFileBytes: 2 ** 30,
  maxDownloadBytes: 2 ** 28,
};

export const VIDEO: MediaKind = {
  noun: 'video',
  code: 'ERR_VIDEO_DECODE',
  maxFileBytes: Number.POSITIVE_INFINITY,
  maxDownloadBytes: 2 ** 32,
};

/** Makes the error that says why a source cannot be read. */
export type Refuse = (reason: string, cause?: unknown) => LlavaError;

export function refusal(label: string, { noun, code }: MediaKind): Refuse {
  return (reason, cause) =>
    new LlavaError(code, `Cannot read ${noun} ${label}: ${reason}`, { source: label }, { cause });
}
