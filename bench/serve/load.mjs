// Many clients, each asking one thing after the other, and what they saw: time to first token, between tokens, requests a second.
import { chatStream } from './chat-stream.mjs';

/**
 * A load under way. `answers` fill while it runs, so that one that is cut off still tells what it saw.
 * @param requests what to ask, in order: { body, kind }; the clients share them
 * @returns { answers, ended } where `ended` settles with all of them answered
 */
export function startLoad(base, { requests, clients, headers, onAnswer = () => {} }) {
  const queue = [...requests];
  const answers = [];
  const client = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const answer = { kind: next.kind, times: [] };
      answers.push(answer);
      await chatStream(base, { body: next.body, headers, answer });
      if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.text}`);
      onAnswer(answers);
    }
  };
  return { answers, ended: Promise.all(Array.from({ length: clients }, client)) };
}

/** The share `at` of the values lies below. */
export function percentile(values, at) {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))];
}

const MARKS = [0.5, 0.95, 0.99];
const marksOf = (values) => MARKS.map((mark) => percentile(values, mark));

/** One line of figures, of the answers of a kind. What is not answered yet counts with what has come. */
export function summary(answers, kind) {
  const chosen = answers.filter((answer) => kind === undefined || answer.kind === kind);
  const gaps = chosen.flatMap(({ times }) => times.slice(1).map((time, i) => time - times[i]));
  const first = chosen.flatMap(({ sentAt, times }) => times.slice(0, 1).map((at) => at - sentAt));
  const finished = chosen.filter(({ endedAt }) => endedAt !== undefined);
  const began = Math.min(...chosen.map(({ sentAt }) => sentAt));
  const seconds = (Math.max(...chosen.map(lastOf)) - began) / 1000;
  const tokens = chosen.reduce(
    (sum, { usage, times }) => sum + (usage?.completion_tokens ?? times.length),
    0,
  );
  return {
    requests: chosen.length,
    answered: finished.length,
    perSecond: finished.length / seconds,
    tokensPerSecond: tokens / seconds,
    ttft: marksOf(first),
    between: marksOf(gaps),
    longest: gaps.reduce((a, b) => Math.max(a, b), 0),
  };
}

const lastOf = ({ sentAt, times, endedAt }) => endedAt ?? times.at(-1) ?? sentAt;
