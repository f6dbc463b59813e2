/** DocVQA: questions about scanned pages, answered by what is written there. */
import { documentQuestions } from '../document-questions.js';

export const docVqa = documentQuestions({
  name: 'docvqa',
  title: 'DocVQA',
  card: 90.2,
  samples: 5349,
  config: 'DocVQA',
});
