import { expect, test } from 'vitest';
import { finishedSentences } from '../../../../src/server/page/model/sentences.js';

test('only what is finished is said, without marks', () => {
  const text = 'A **red** ring. It has 2.5 cm';
  const first = finishedSentences(text, 0);
  expect(first).toEqual({ said: 'A red ring.', upTo: 15 });
  expect(finishedSentences(`${text} and more. `, first.upTo).said).toBe('It has 2.5 cm and more.');
});

test('a number of a list is no sentence, a line is', () => {
  expect(finishedSentences('1. First', 0).said).toBe('');
  expect(finishedSentences('1. First\n2. ', 0).said).toBe('1. First');
  expect(finishedSentences('三角形。它', 0).said).toBe('三角形。');
});
