/** Static bearer tokens: lines of `token,user,uid[,"group1,group2"]`, as kube-apiserver's --token-auth-file. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { User } from '../types.ts';

const AUTHENTICATED = 'system:authenticated';

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Splits one CSV line; quotes hold commas. */
function fields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map((match) => (match[1] ?? match[2] ?? '').replaceAll('""', '"').trim());
}

export interface StaticToken {
  token: string;
  user: User;
}

/** Throws on a line with fewer than three columns, naming it. */
export function parseTokenFile(text: string): StaticToken[] {
  const tokens: StaticToken[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') {
      continue;
    }
    const [token, name, uid, groups] = fields(line);
    if (!token || !name || uid === undefined) {
      throw new Error(`token file, line ${index + 1}: expected token,user,uid[,"group1,group2"]`);
    }
    const listed = (groups ?? '').split(',').map((group) => group.trim()).filter((group) => group !== '');
    tokens.push({ token, user: { name, ...(uid === '' ? {} : { uid }), groups: [...listed, AUTHENTICATED] } });
  }
  return tokens;
}

/** Finds the user of a token in time that does not depend on how much of it is right. */
export class StaticTokens {
  readonly #tokens: readonly { digest: Buffer; user: User }[];

  constructor(tokens: readonly StaticToken[]) {
    this.#tokens = tokens.map(({ token, user }) => ({ digest: digest(token), user }));
  }

  find(token: string): User | undefined {
    const wanted = digest(token);
    let found: User | undefined;
    for (const one of this.#tokens) {
      if (timingSafeEqual(one.digest, wanted)) {
        found = one.user;
      }
    }
    return found;
  }
}
