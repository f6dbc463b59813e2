// The one table of differences between the references.
import { describe, expect, it } from 'vitest';
import { type Dialect, dialectRules } from '../../src/dialect.js';

describe('dialectRules', () => {
  it('rounds a product that falls just under an integer as each reference does', () => {
    const exact = 47 * (54 / 423);
    expect(exact).toBeLessThan(6);
    expect(dialectRules('llava-next').unpaddedLength(exact)).toBe(5);
    expect(dialectRules('transformers').unpaddedLength(exact)).toBe(6);
  });

  it('rounds at the seventh digit, not before', () => {
    const { unpaddedLength } = dialectRules('transformers');
    expect(unpaddedLength(5.9999999)).toBe(5);
    expect(unpaddedLength(5.99999994)).toBe(5);
    expect(unpaddedLength(5.99999996)).toBe(6);
    expect(unpaddedLength(255 / 256)).toBe(0);
  });

  it('stops where the references stop', () => {
    expect(dialectRules('llava-next').stopTokens).toEqual(['<|im_end|>', '<|endoftext|>']);
    expect(dialectRules('transformers').stopTokens).toEqual(['<|im_end|>']);
  });

  it('lets the penalty see what the references let it see', () => {
    expect(dialectRules('llava-next').penalizedMedia).toBeNull();
    expect(dialectRules('transformers').penalizedMedia).toEqual({
      image: '<image>',
      video: '<video>',
    });
  });

  it('refuses an unknown dialect, names of object members included', () => {
    for (const name of ['llava', 'toString', undefined])
      expect(() => dialectRules(name as Dialect)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'dialect' }),
      );
  });
});
