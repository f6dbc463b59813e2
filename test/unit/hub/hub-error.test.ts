import { expect, test } from 'vitest';
import { answerError } from '../../../src/hub/hub-error.js';

const asked = {
  ...{ repo: 'someone/model', revision: 'main' },
  ...{ endpoint: 'https://hub.test', hasToken: true },
};

test.each([
  [429, { ratelimit: '"api";r=0;t=57' }, 57_000],
  [429, { ratelimit: '"api";r=0;t=57', 'retry-after': '3' }, 3000],
  [503, { ratelimit: '"api";r=499;t=240' }, undefined],
  [503, { 'retry-after': '7' }, 7000],
  [503, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
  [503, { 'retry-after': 'soon' }, undefined],
  [500, {}, undefined],
])('when to try again after %d with %j', (status, headers, retryAfterMs) => {
  const url = new URL('https://hub.test/api/models/someone/model');
  const error = answerError({ status, headers, url }, asked);
  expect(error.retryable).toBe(true);
  expect(error.retryAfterMs).toBe(retryAfterMs);
});
