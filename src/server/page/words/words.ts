/** The language of the page: what the reader chose, else what the browser prefers. */
import { signal } from '@preact/signals';
import { readLocal, writeLocal } from '../model/local.js';
import { en, type Words } from './en.js';
import { zh } from './zh.js';

const KEPT_AS = 'language';
export const languages: readonly Words[] = [en, zh];

function first(): Words {
  const wanted = [readLocal(KEPT_AS), ...navigator.languages];
  for (const code of wanted) {
    const found = languages.find((words) => code?.toLowerCase().split('-')[0] === words.code);
    if (found) return found;
  }
  return en;
}

const chosen = signal<Words>(first());

/** Of the language that is chosen now; a component that calls it is drawn anew when that changes. */
export const words = (): Words => chosen.value;

export function chooseLanguage(code: string): void {
  chosen.value = languages.find((words) => words.code === code) ?? en;
  document.documentElement.lang = chosen.value.code;
  writeLocal(KEPT_AS, chosen.value.code);
}

document.documentElement.lang = chosen.value.code;
