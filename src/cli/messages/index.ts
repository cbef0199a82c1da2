/** Texts in the reader's language, chosen as POSIX says: LC_ALL, then LC_MESSAGES, then LANG. */
import { en } from './en.ts';
import { es } from './es.ts';

export type MessageKey = keyof typeof en;
export type Language = 'en' | 'es';

const CATALOGUES: Record<Language, Record<MessageKey, string>> = { en, es };

export function languageOf(env: NodeJS.ProcessEnv): Language {
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  return locale.toLowerCase().startsWith('es') ? 'es' : 'en';
}

/** `text('up.ready', {url})` in the language of the environment. */
export function text(key: MessageKey, values: Readonly<Record<string, string | number>> = {}, language: Language = languageOf(process.env)): string {
  return CATALOGUES[language][key].replace(/\{(\w+)\}/g, (whole: string, name: string) => (name in values ? String(values[name]) : whole));
}

/** The text of a key formed at run time, or `otherwise` when there is none. */
export function textOr(key: string, otherwise: string): string {
  return Object.entries(CATALOGUES[languageOf(process.env)]).find(([name]) => name === key)?.[1] ?? otherwise;
}
