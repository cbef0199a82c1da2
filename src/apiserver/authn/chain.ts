/** Bearer tokens of every kind behind one question: whose is it? */
import type { User } from '../types.ts';
import type { StaticTokens } from './tokenfile.ts';

export interface TokenReviewResult {
  user: User;
  /** Those asked for that the token is meant for. */
  audiences: readonly string[];
  /** Seconds since the epoch; absent for tokens that do not expire. */
  expires?: number;
}

/** One kind of token. Undefined: not mine, or not good. */
export interface TokenSource {
  review(token: string, audiences: readonly string[]): TokenReviewResult | undefined | Promise<TokenReviewResult | undefined>;
}

/** Tokens of a file are meant for whatever the API server is asked as. */
export const staticSource = (tokens: StaticTokens, own: readonly string[]): TokenSource => ({
  review(token, audiences) {
    const common = audiences.filter((one) => own.includes(one));
    const user = common.length === 0 ? undefined : tokens.find(token);
    return user === undefined ? undefined : { user, audiences: common };
  },
});

export class TokenChain {
  /** What tokens must be meant for when nobody says otherwise. */
  readonly audiences: readonly string[];
  readonly #sources: readonly TokenSource[];

  constructor(sources: readonly TokenSource[], audiences: readonly string[]) {
    this.#sources = sources;
    this.audiences = audiences;
  }

  /** The first source that knows the token decides. At once unless one of them has to ask elsewhere. */
  review(token: string, audiences: readonly string[] = this.audiences): TokenReviewResult | undefined | Promise<TokenReviewResult | undefined> {
    return this.#from(0, token, audiences);
  }

  #from(start: number, token: string, audiences: readonly string[]): TokenReviewResult | undefined | Promise<TokenReviewResult | undefined> {
    for (const [at, source] of this.#sources.entries()) {
      const found = at < start ? undefined : source.review(token, audiences);
      if (found instanceof Promise) {
        return this.#awaited(found, at, token, audiences);
      }
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  async #awaited(pending: Promise<TokenReviewResult | undefined>, at: number, token: string, audiences: readonly string[]): Promise<TokenReviewResult | undefined> {
    return await pending ?? this.#from(at + 1, token, audiences);
  }
}
