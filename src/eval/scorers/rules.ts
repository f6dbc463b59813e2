/**
 * Which state of the reference harness (lmms-eval) a scorer follows: the release of the model card's week, or the
 * newest one read, 75571cfe of August 2026. Where the two agree a scorer takes no rules.
 */
export type Rules = 'v0.2.2' | 'HEAD';
