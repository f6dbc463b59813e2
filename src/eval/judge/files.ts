/** A judge's replies beside a benchmark's answers, one per line; of several to one request the last counts. */
import { join } from 'node:path';
import { readJsonLines } from '../answers.js';

export interface JudgeReply {
  part: string;
  /** The request's id. */
  id: string;
  reply: string;
  /** Who replied. */
  model?: string;
}

export function repliesPath(folder: string): string {
  return join(folder, 'judge-replies.jsonl');
}

export interface JudgeReplies {
  /** By `part/id`. */
  replies: Map<string, string>;
  /** Who gave them, as far as their lines say. */
  models: string[];
}

/** @param folder of the benchmark in the results @returns nothing without a file @throws ERR_EVAL_RESULTS */
export async function readReplies(folder: string): Promise<JudgeReplies> {
  const replies = new Map<string, string>();
  const models = new Set<string>();
  for await (const { part, id, reply, model } of readJsonLines<JudgeReply>(repliesPath(folder))) {
    replies.set(`${part}/${id}`, reply);
    if (model !== undefined) models.add(model);
  }
  return { replies, models: [...models] };
}
