// Scorers by their rules, beyond the reference's vectors (check-scorers.test.ts). Expected values are worked out by hand.
import { describe, expect, it } from 'vitest';
import { editDistance } from '../../../../src/edit-distance.js';
import { anls } from '../../../../src/eval/scorers/anls.js';
import * as judge from '../../../../src/eval/scorers/judge-replies.js';
import {
  leadingLetter,
  loneLetterIndex,
  looselyEqual,
  mlvuLetter,
  mvBenchAnswer,
  realWorldAnswer,
  starRight,
  videoMmeLetter,
} from '../../../../src/eval/scorers/letters.js';
import { mathVerseRightOffline } from '../../../../src/eval/scorers/mathverse.js';
import { directExtraction, normalizeExtraction } from '../../../../src/eval/scorers/mathvista.js';
import { mcqExtract } from '../../../../src/eval/scorers/mcq-extract.js';
import { inferOption, inferOptionOffline } from '../../../../src/eval/scorers/mmbench.js';
import { egoChoice, lettered, mmmuChoice } from '../../../../src/eval/scorers/mmmu-choice.js';
import { openClaims, openRight } from '../../../../src/eval/scorers/mmmu-open.js';
import { relaxedMatch } from '../../../../src/eval/scorers/relaxed-accuracy.js';
import { yesOrNo } from '../../../../src/eval/scorers/yes-no.js';

describe('texts', () => {
  it('counts edits in code points', () => {
    expect(editDistance('😀a', '😁b')).toBe(2);
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
  });

  it.each([
    ['a  B\nc', ['A b C'], 1],
    ['groß', ['gross'], 1 - 2 / 5], // upper case counts: GROSS has five letters, groß is two edits away
    ['', [''], 1],
    ['ab', ['cd', 'abcd'], 0.5],
  ])('anls of %j and %j', (prediction, answers, score) =>
    expect(anls(prediction, answers)).toBeCloseTo(score, 12),
  );

  it.each([
    ['105', '100', true],
    ['105.01', '100', false],
    ['-95', '-100', true],
    ['0', '0', true],
    ['0.0', '0', false],
    ['nan', 'nan', false],
    ['inf', 'inf', false],
    ['5 %', '0.05', true],
    ['%', '%', true],
    ['Blue ', 'blue', false],
  ])('relaxed accuracy of %j against %j', (prediction, gold, right) =>
    expect(relaxedMatch(prediction, gold)).toBe(right),
  );

  it.each([
    ['Yes, it is', 'yes'],
    ['ye.s', 'yes'],
    ['A no', 'no'],
    ['I know', 'other'],
    ['N.', 'no'],
    ['..', 'other'],
  ])('%j is %s', (text, label) => expect(yesOrNo(text)).toBe(label));
});

describe('letters', () => {
  it('AI2D: one capital and a point', () => {
    expect(leadingLetter('\u3000B. fox')).toBe('B');
    expect(leadingLetter('b. fox')).toBe('b. fox');
    expect(looselyEqual('(A)!', 'a')).toBe(true);
  });

  it('RealWorldQA: option texts by place, the last of two equal ones', () => {
    const question = 'Which?\nA. left\nB. right\nC. left\n';
    expect(realWorldAnswer('to the left, not right', question)).toBe('C');
    expect(realWorldAnswer('TEN', question)).toBe('10');
    expect(realWorldAnswer('Left!', question)).toBe('Left');
  });

  it('MMStar: only at the beginning', () => {
    expect(starRight('The answer is\nd', 'D', 'v0.2.2')).toBe(true);
    expect(starRight('(', 'A', 'v0.2.2')).toBe(false);
    expect(starRight('It is (D)', 'D', 'HEAD')).toBe(true);
  });

  it('Video-MME: any capital A-D, after the phrases', () => {
    expect(videoMmeLetter('The best answer is: Dogs', 'v0.2.2')).toBe('D');
    expect(videoMmeLetter('Best answer:Best option: C', 'v0.2.2')).toBe('C');
    expect(videoMmeLetter('The best option is B', 'v0.2.2')).toBe('B');
  });

  it('MLVU: before the bracket', () => {
    expect(mlvuLetter(' B) x)', 'v0.2.2')).toBe('B');
    expect(mlvuLetter('B) x)', 'HEAD')).toBe('B');
    expect(mlvuLetter('e', 'HEAD')).toBe('');
  });

  it('PerceptionTest: a word of one capital', () => {
    expect(loneLetterIndex('ÉA, then C')).toBe(2);
    expect(loneLetterIndex('a')).toBe(-1);
  });

  it.each([
    ['c. the towel\nthen', 'A'], // the pattern wants one line; cleaned, "c the towel then" has c first
    ['He took a towel', 'A'],
    ['"D"', 'D'],
    ['1,000 (B)', 'B'],
    ['e.g. this', 'E'],
    ['', ''],
    ['Nothing.', 'nothing'],
  ])('MVBench: %j', (text, parsed) =>
    expect(mvBenchAnswer(text)).toBe(text.startsWith('c.') ? 'C' : parsed),
  );

  it.each([
    ['A or (B) or C', 'A'], // at the beginning is surer than in brackets
    ['(A) B. C', 'C'], // at the end
    ['x (A) B. y', 'A'],
    ['x A: B) y', 'A'],
    ['the answer is surely Dog, not x', 'D'],
    ['답: B입니다', 'B'],
    ['a b c', ''],
    ['Cat', 'C'],
    ['x BAD x', 'D'], // "D " ends a word
    ['x (A) x (B) x (A) x', 'A'],
  ])('the newer extractor: %j', (text, letter) =>
    expect(mcqExtract(text, [...'ABCD'])).toBe(letter),
  );

  it('takes A-H by default', () => expect(mcqExtract('(H)')).toBe('H'));
});

describe('MMMU and its relatives', () => {
  const options = lettered(['red fox', 'blue jay', 'green frog', 'x']);

  it.each([
    ['(A) not (C) but (B)', 'B'],
    ['A B', 'B'],
    ['MAD B. x', 'D'], // "D " counts before "B."
    ['x A.y', 'A'],
    ['the animal was a blue jay, not a red fox', 'D'], // x is part of fox, and last
    ['a blue jay', undefined], // too short for texts
    ["'B'", 'B'],
    ['', undefined],
  ])('%j', (text, letter) => expect(mmmuChoice(text, options)).toBe(letter));

  it('EgoSchema takes the first of all forms', () => {
    expect(egoChoice('C. or (B)', options)).toBe('C');
    expect(egoChoice('B D', options)).toBe('B');
    expect(egoChoice('nothing', options)).toBeUndefined();
  });

  it('claims tails and numbers of open answers', () => {
    expect(openClaims('x = 24 / 8 = 3')).toEqual([3]);
    expect(openClaims('1,000')).toEqual([1000, 0]);
    expect(openClaims('It is so')).toEqual(['so']);
    expect(openClaims('1.5e3 or -.25')).toEqual(['1.5e3 or -.25', 1500, 1, 3, -0.25]);
    expect(openRight('A rhombus', ['rhombus'], 'v0.2.2')).toBe(true);
    expect(openRight('A rhombus', ['rhombus'], 'HEAD')).toBe(false);
    expect(openRight('It is a cat', ['a'], 'v0.2.2')).toBe(true);
    expect(openRight('cat', ['a'], 'v0.2.2')).toBe(false);
  });
});

describe('MMBench', () => {
  const options = { A: 'cat', B: 'dog', C: 'nan', D: 'nan' };

  it.each([
    ['A', 'A'],
    ['A big brown dog', 'B'], // "A" is an article there, and dog an option
    ['A B.', 'A'],
    ['B. or C:', 'B'],
    [':D).', 'D'],
    ['E', 'E'],
    ['a banana', undefined], // both missing options are in it
    ['cat and dog', undefined],
  ])('%j', (answer, letter) => expect(inferOption(answer, options)).toBe(letter));

  it('finds a single missing option', () =>
    expect(inferOption('a banana', { A: 'cat', B: 'nan' })).toBe('B'));

  it('reads the rest by the newer extractor', () =>
    expect(inferOptionOffline('(A)/(B)', options)).toBe('B'));
});

describe('mathematics', () => {
  const whole = { questionType: 'free_form', answerType: 'integer', choices: null, precision: 0 };
  const real = { ...whole, answerType: 'float', precision: 1 };
  const choice = { ...whole, questionType: 'multi_choice', choices: ['ten', 'two', 'B'] };

  it.each([
    ['3.9', whole, '3'],
    ['-3.9', whole, '-3'],
    ['1e20', whole, '100000000000000000000'],
    ['inf', whole, null],
    ['2.25', real, '2.2'],
    ['2', real, '2.0'],
    ['two', choice, 'two'],
    ['(c) it is', choice, 'B'],
    ['B', choice, 'two'], // a letter before a text
    ['(Z)', choice, 'B'],
    ['tow', choice, 'ten'], // as near as two, and before it
    ['', choice, 'B'],
  ])('normalises %j', (text, question, normalized) =>
    expect(normalizeExtraction(text, question)).toBe(normalized),
  );

  it('needs help only where the answer is not plain', () => {
    expect(directExtraction('1_000', whole)).toBe('1000');
    expect(directExtraction('3.0', whole)).toBeUndefined();
    expect(directExtraction('2', real)).toBe('2.0');
    expect(directExtraction('B', choice)).toBe('B');
    expect(directExtraction('', choice)).toBe('');
    expect(directExtraction('[1]', { ...whole, answerType: 'list' })).toBeUndefined();
  });

  it.each([
    ['multi-choice', 'So it is (B)', 'B', true],
    ['multi-choice', 'no letter', 'B', false],
    ['free-form', '30°', '30', true],
    ['free-form', '0.50.', '0.5', true],
    ['free-form', 'x', 'y', false],
  ])('stands in for the judge of a %s question: %j', (questionType, answer, gold, right) =>
    expect(mathVerseRightOffline(answer, { questionType, gold })).toBe(right),
  );
});

describe("judges' replies", () => {
  it('two numbers', () => {
    expect(judge.strictRatings('8,7')).toEqual([8, 7]);
    expect(judge.strictRatings(' 8 7')).toEqual([-1, -1]);
    expect(judge.strictRatings(' 8 7 \nx', { trim: true })).toEqual([8, 7]);
    expect(judge.looseRatings('\n8; 7 of 10')).toEqual([8, 7]);
    expect(judge.looseRatings('8\n7')).toEqual([-1, -1]);
  });

  it('one number', () => {
    expect(judge.vetScore(' 0.7 fine')).toBe(0.7);
    expect(judge.vetScore('1.1')).toBeUndefined();
    expect(judge.vibeRating('Rating:\n3')).toBe(3);
    expect(judge.vibeRating('rating: 3')).toBe(0);
    expect(judge.finalScore('Final Score: 70\nFinal Score: 80')).toBe(70);
    expect(judge.liveRating('{"Rating": 7, "Explanation": ""}')).toBe(7);
    expect(judge.liveRating('{"Rating": 7}')).toBe(-1);
    expect(judge.liveRating('[]')).toBe(-1);
    expect(judge.dictScore("{'score': 4.8}")).toBe(4);
    expect(judge.dictScore("{'score': '4'}")).toBe(4);
    expect(judge.dictScore("{'score': '4.8'}")).toBe(0);
    expect(judge.dictScore("{'rating': 4}")).toBe(0);
  });

  it('right or wrong', () => {
    expect(judge.mathVerseVerdict('Judgement: 1\n', 'v0.2.2')).toBe(true);
    expect(judge.mathVerseVerdict('1.', 'v0.2.2')).toBeUndefined();
    expect(judge.mathVerseVerdict('Score: 1', 'HEAD')).toBe(true);
    expect(judge.activityVerdict("{'pred': 'yes', 'score': '4.5'}", 'v0.2.2')).toEqual({
      ...{ pred: 'yes', score: 4.5 },
    });
    expect(judge.activityVerdict("Sure: {'pred': 'YES!', 'score': 4.5} ok", 'HEAD')).toEqual({
      ...{ pred: 'yes', score: 4 },
    });
    expect(judge.activityVerdict("{'pred': 'yes'}", 'HEAD')).toBeUndefined();
  });
});
