import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { en } from './en.ts';
import { es } from './es.ts';
import { languageOf, text } from './index.ts';

const placeholders = (message: string): string[] => [...message.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

describe('messages', () => {
  it('has every text in both languages with the same placeholders', () => {
    assert.deepEqual(Object.keys(es), Object.keys(en));
    for (const [key, message] of Object.entries(en)) {
      assert.deepEqual(placeholders(Object.entries(es).find(([name]) => name === key)?.[1] ?? ''), placeholders(message), key);
    }
  });

  it('chooses the language as POSIX does', () => {
    assert.equal(languageOf({ LANG: 'es_ES.UTF-8' }), 'es');
    assert.equal(languageOf({ LANG: 'es_ES.UTF-8', LC_ALL: 'C.UTF-8' }), 'en');
    assert.equal(languageOf({ LC_ALL: '', LC_MESSAGES: 'es_MX', LANG: 'en_US' }), 'es');
    assert.equal(languageOf({}), 'en');
  });

  it('fills in what it is given and leaves the rest', () => {
    assert.equal(text('up.ready', { url: 'https://x' }, 'en'), 'Telar is ready at https://x');
    assert.equal(text('up.ready', {}, 'es'), 'Telar está listo en {url}');
  });
});
