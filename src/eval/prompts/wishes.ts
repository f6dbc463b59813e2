/** What several benchmarks ask for at the end, to the character. */
export const LETTER_PLEASE = "Answer with the option's letter from the given choices directly.";
export const PHRASE_PLEASE = 'Answer the question using a single word or phrase.';
