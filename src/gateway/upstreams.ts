/** The machine's own resolvers, from /etc/resolv.conf; read again when it changes. */
import { readFileSync, statSync } from 'node:fs';
import { isMissing } from '../apimachinery/errno.ts';

export interface Upstream {
  address: string;
  port: number;
}

/** glibc's own limit. */
const MAX_UPSTREAMS = 3;
/** How often a changed file is noticed, at most. */
const CHECK_MS = 3000;
const DNS_PORT = 53;

/** `nameserver` lines; our own address is left out, since a machine may use this server itself. */
export function parseUpstreams(text: string, own: string): Upstream[] {
  return text.split('\n')
    .flatMap((line) => {
      const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
      return address === undefined || address === own ? [] : [{ address, port: DNS_PORT }];
    })
    .slice(0, MAX_UPSTREAMS);
}

export class HostUpstreams {
  readonly #path: string;
  #own = '';
  #checked = -Infinity;
  #seen = '';
  #upstreams: readonly Upstream[] = [];

  constructor(path = '/etc/resolv.conf') {
    this.#path = path;
  }

  /** Present upstreams; `own` is the address this server listens on. */
  list(own: string): readonly Upstream[] {
    const now = performance.now();
    if (now - this.#checked >= CHECK_MS || own !== this.#own) {
      this.#checked = now;
      this.#read(own);
    }
    return this.#upstreams;
  }

  #read(own: string): void {
    try {
      const { mtimeMs, ino, size } = statSync(this.#path);
      const seen = `${mtimeMs}/${ino}/${size}/${own}`;
      if (seen !== this.#seen) {
        this.#upstreams = parseUpstreams(readFileSync(this.#path, 'utf8'), own);
        this.#seen = seen;
        this.#own = own;
      }
    } catch (error) {
      // Replaced this moment, or a machine without resolvers: what was known stays.
      if (!isMissing(error)) {
        throw error;
      }
    }
  }
}
