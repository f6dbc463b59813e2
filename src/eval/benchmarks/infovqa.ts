/** InfoVQA: questions about infographics, answered as DocVQA's. */
import { documentQuestions } from '../document-questions.js';

export const infoVqa = documentQuestions({
  name: 'infovqa',
  title: 'InfoVQA',
  card: 70.7,
  samples: 2801,
  config: 'InfographicVQA',
});
