/** The language of the page: what the reader chose, else what the browser prefers. Those other than English are read when wanted. */
import { signal } from '@preact/signals';
import { readLocal, writeLocal } from '../model/local.js';
import { en, type Words } from './en.js';

interface Language {
  code: string;
  /** In itself. */
  name: string;
  read: () => Promise<Words>;
}

const KEPT_AS = 'language';
export const languages: readonly Language[] = [
  { code: 'en', name: 'English', read: async () => en },
  { code: 'zh', name: '简体中文', read: async () => (await import('./zh.js')).zh },
];

const chosen = signal<Words>(en);

/** Of the language that is chosen now; a component that calls it is drawn anew when that changes. */
export const words = (): Words => chosen.value;

/** Before anything is drawn. */
export async function startLanguage(): Promise<void> {
  const wanted = [readLocal(KEPT_AS), ...navigator.languages];
  const known = wanted.map((code) => languageOf(code?.toLowerCase().split('-')[0]));
  await use(known.find((one) => one !== undefined));
}

const languageOf = (code: string | undefined) => languages.find((one) => one.code === code);

export async function chooseLanguage(code: string): Promise<void> {
  writeLocal(KEPT_AS, code);
  await use(languageOf(code));
}

/** Where the server is away, the language stays as it is. */
async function use(language: Language | undefined): Promise<void> {
  if (!language) return;
  chosen.value = await language.read().catch(() => chosen.value);
  document.documentElement.lang = chosen.value.code;
}
