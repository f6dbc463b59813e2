// Many clients, each asking one thing after the other, and what they saw: time to first token, between tokens, requests a second.
import { chatStream } from './chat-stream.mjs';

/**
 * @param requests what to ask, in order: { body, kind }; the clients share them
 * @returns an answer for each: { kind, ttft, gaps, took, tokens } in ms, and how long all took
 */
export async function load(base, { requests, clients, headers }) {
  const queue = [...requests];
  const answers = [];
  const started = performance.now();
  const client = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const answer = await chatStream(base, next.body, headers);
      if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.text}`);
      answers.push(measured(next.kind, answer));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { answers, took: performance.now() - started };
}

function measured(kind, { sentAt, times, endedAt, usage, own }) {
  return {
    kind,
    ttft: (times[0] ?? endedAt) - sentAt,
    gaps: times.slice(1).map((time, i) => time - times[i]),
    took: endedAt - sentAt,
    tokens: usage?.completion_tokens ?? times.length,
    own,
  };
}

/** The share `at` of the values lies below. */
export function percentile(values, at) {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))];
}

const MARKS = [0.5, 0.95, 0.99];

/** One line of figures, of the answers of a kind. */
export function summary({ answers, took }, kind) {
  const chosen = kind ? answers.filter((answer) => answer.kind === kind) : answers;
  const gaps = chosen.flatMap((answer) => answer.gaps);
  const first = chosen.map((answer) => answer.ttft);
  return {
    requests: chosen.length,
    perSecond: (1000 * answers.length) / took,
    tokensPerSecond: (1000 * answers.reduce((sum, { tokens }) => sum + tokens, 0)) / took,
    ttft: MARKS.map((mark) => percentile(first, mark)),
    between: MARKS.map((mark) => percentile(gaps, mark)),
    longest: gaps.reduce((a, b) => Math.max(a, b), 0),
  };
}
