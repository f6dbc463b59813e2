/** Appearance and language. */
import { chooseLanguage, languages, words } from '../words/words.js';
import { setTheme, type Theme, theme } from './layout.js';

export function ThemeChoice() {
  const t = words();
  return (
    <select
      class="select"
      aria-label={t.theme}
      value={theme.value}
      onChange={(event) => setTheme(event.currentTarget.value as Theme)}
    >
      <option value="system">{t.themeSystem}</option>
      <option value="light">{t.themeLight}</option>
      <option value="dark">{t.themeDark}</option>
    </select>
  );
}

export function LanguageChoice() {
  return (
    <select
      class="select"
      aria-label={words().language}
      value={words().code}
      onChange={(event) => void chooseLanguage(event.currentTarget.value)}
    >
      {languages.map(({ code, name }) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}
