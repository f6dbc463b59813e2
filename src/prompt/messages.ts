/**
 * The conversation as callers write it, and its checks: everything wrong with its form is found here, by the path of
 * the value. Media are only looked at, not read.
 */

import { invalidArgument } from '../errors.js';
import { checkImageSource, type ImageSource } from '../media/image.js';
import { checkVideoSource, type VideoSource } from '../media/video.js';
import { checkChoice, isRecord, readable } from '../option-checks.js';
import { checkToolCalls, checkToolResult, checkToolResults } from './tool-messages.js';

export interface TextPart {
  type: 'text';
  text: string;
}

export interface ImagePart {
  type: 'image';
  image: ImageSource;
  /** 'low': one tile and no more, 'high': an overview and a grid of tiles. Default 'auto': the grid for a single picture,
   *  for several what `multiImage` says. */
  detail?: ImageDetail;
}

export type ImageDetail = 'auto' | 'low' | 'high';
export const IMAGE_DETAILS: readonly ImageDetail[] = ['auto', 'low', 'high'];

/** A video file or its frames. An async iterable can be read once: pass an array where a conversation goes on. */
export interface VideoPart {
  type: 'video';
  video: VideoSource;
  /** How many frames to look at, spread evenly, 1 to 4096. Default 32; of a list of fewer frames, all. */
  frames?: number;
}

/** What one reading of a video file allows, and far beyond any context. */
const MAX_FRAMES = 4096;

export type MediaPart = ImagePart | VideoPart;
export type Part = TextPart | MediaPart;

/** A call that the model asked for; the arguments keep the tool's schema. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
}

export interface Message {
  /** A system message may only be the first; media may only stand in user messages. 'tool' is the result of a call, a text. */
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string | Part[];
  /** The calls that an assistant's message asked for. */
  toolCalls?: readonly ToolCall[];
  /** Which call of the assistant's message before a tool's message answers. */
  toolCallId?: string;
}

/** Every image and video of a conversation, in its order; a prompt's media indices count these. */
export function mediaParts(messages: readonly Message[]): MediaPart[] {
  return messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.filter((part) => part.type !== 'text'),
  );
}

/** What an answer goes on from: the last message. @throws ERR_INVALID_ARGUMENT unless it is an assistant's text */
export function continuedText(messages: readonly Message[]): string {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.toolCalls)
    throw invalidArgument(
      'continueFinalMessage',
      "an assistant's text, without calls, as the last of the messages",
      last?.toolCalls ? 'one with calls' : `one of the role ${last?.role}`,
    );
  const { content } = last;
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** @returns a copy that later changes to `messages` do not reach. @throws ERR_INVALID_ARGUMENT */
export function validateMessages(messages: unknown): Message[] {
  return readable('messages', messages, () => checkMessages(messages));
}

function checkMessages(messages: unknown): Message[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw invalidArgument('messages', 'a non-empty array of messages', messages);
  const checked = messages.map((message, i) => checkMessage(message, i));
  checkToolResults(checked);
  if (checked.every(({ role }) => role === 'system'))
    throw invalidArgument('messages', 'a user message', 'a system message only');
  return checked;
}

function checkMessage(message: unknown, index: number): Message {
  const path = `messages[${index}]`;
  if (!isRecord(message)) throw invalidArgument(path, '{ role, content }', message);
  const { role, content } = message;
  if (role === 'tool') return checkToolResult(message, path);
  if (role !== 'system' && role !== 'user' && role !== 'assistant')
    throw invalidArgument(`${path}.role`, "'system', 'user', 'assistant' or 'tool'", role);
  if (role === 'system' && index > 0)
    throw invalidArgument(`${path}.role`, "'user' or 'assistant' after the first message", role);
  const calls = role === 'assistant' ? checkToolCalls(message.toolCalls, path) : {};
  if (typeof content === 'string') return { role, content, ...calls };
  if (!Array.isArray(content) || content.length === 0)
    throw invalidArgument(`${path}.content`, 'a string or a non-empty array of parts', content);
  const allowsMedia = role === 'user';
  const parts = content.map((part, i) => checkPart(part, `${path}.content[${i}]`, allowsMedia));
  return { role, content: parts, ...calls };
}

function checkPart(part: unknown, path: string, allowsMedia: boolean): Part {
  if (!isRecord(part)) throw invalidArgument(path, "{ type: 'text' | 'image' | 'video', … }", part);
  const { type, text, image, detail, video, frames } = part;
  if (type === 'text') {
    if (typeof text !== 'string') throw invalidArgument(`${path}.text`, 'a string', text);
    return { type, text };
  }
  if (type !== 'image' && type !== 'video')
    throw invalidArgument(`${path}.type`, "'text', 'image' or 'video'", type);
  if (!allowsMedia) throw invalidArgument(`${path}.type`, "'text' outside user messages", type);
  if (type === 'image') {
    checkImageSource(image, `${path}.image`);
    const chosen = checkChoice(`${path}.detail`, detail, {
      of: IMAGE_DETAILS,
      fallback: undefined,
    });
    return { type, image, ...(chosen && { detail: chosen }) };
  }
  checkVideoSource(video, `${path}.video`);
  if (frames === undefined) return { type, video: ownList(video) };
  if (!isFrameCount(frames))
    throw invalidArgument(`${path}.frames`, `an integer from 1 to ${MAX_FRAMES}`, frames);
  return { type, video: ownList(video), frames };
}

function isFrameCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_FRAMES;
}

function ownList(video: VideoSource): VideoSource {
  return Array.isArray(video) ? [...video] : video;
}
