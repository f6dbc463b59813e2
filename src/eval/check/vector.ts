/** One case of a vector file: what a reference scorer made of an answer. */
import { dataError } from '../data/data-error.js';
import type { Rules } from '../scorers/rules.js';

/** A case as the functions under check see it: one task, one state of the rules. */
export interface Case {
  task: string;
  rules: Rules;
  prediction: unknown;
  reference: Readonly<Record<string, unknown>>;
}

export interface Vector {
  family: string;
  /** One task, or several that share a scorer: 'docvqa_val/infovqa_val', 'mvbench(one sub-task)'. */
  task: string;
  /** 'v0.2.2', 'HEAD', or both: 'v0.2.2=HEAD'. */
  variant: string;
  prediction: unknown;
  reference: Readonly<Record<string, unknown>>;
  /** 'RANDOM' where the reference draws. */
  expected: unknown;
  note?: string;
}

/** @throws ERR_EVAL_DATA when the text is not a JSON list of vectors */
export function parseVectors(text: string, path: string): Vector[] {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (cause) {
    throw dataError(path, `it is not JSON: ${(cause as Error).message}`, cause);
  }
  if (!Array.isArray(entries)) throw dataError(path, 'it is not a list of vectors');
  return entries.map((entry, i) => {
    if (isVector(entry)) return { ...entry, reference: entry.reference ?? {} };
    throw dataError(path, `entry ${i} lacks the texts family, task and variant, or expected`);
  });
}

function isVector(entry: unknown): entry is Vector {
  if (typeof entry !== 'object' || entry === null || !('expected' in entry)) return false;
  const { family, task, variant } = entry as Vector;
  return [family, task, variant].every((text) => typeof text === 'string');
}

/** The cases of a vector: each of its tasks under each of its rules. */
export function casesOf({ task, variant, prediction, reference }: Vector): Case[] {
  const rules = (['v0.2.2', 'HEAD'] as const).filter((name) => variant.includes(name));
  return tasksOf(task).flatMap((name) =>
    rules.map((one) => ({ task: name, rules: one, prediction, reference })),
  );
}

/** A remark in brackets is no task's name, unless there is nothing else. */
function tasksOf(task: string): string[] {
  const names = task.replace(/\(.*?\)/g, '').split('/');
  return names.map((name) => name.trim() || task);
}
