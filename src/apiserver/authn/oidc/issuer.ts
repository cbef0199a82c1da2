/** What an OpenID Connect issuer publishes: its description and its keys, fetched once and again when they are old or a key is missing. */
import { Agent, request } from 'node:https';
import type { JSONWebKeySet } from 'jose';
import { isObject } from '../../../apimachinery/values.ts';

/** An answer of the issuer may be this long, bytes, and take this long, ms. */
const MAX_DOCUMENT_BYTES = 1024 * 1024;
const FETCH_TIMEOUT_MS = 10_000;
/** Keys are asked for again after this long, and for a key that is not among them at most this often, ms. */
const KEYS_LIFETIME_MS = 600_000;
const KEYS_PAUSE_MS = 10_000;

export class IssuerError extends Error { override name = 'IssuerError'; }

function fetchJson(url: string, agent: Agent): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new IssuerError(`${url}: ${why}`));
    const asked = request(url, { agent, timeout: FETCH_TIMEOUT_MS, headers: { accept: 'application/json' } }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_DOCUMENT_BYTES) {
          asked.destroy(new IssuerError(`${url}: the answer is too long`));
          return;
        }
        chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) {
          fail(`answered ${response.statusCode ?? 0}`);
          return;
        }
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch (error) {
          fail(`no JSON: ${error instanceof Error ? error.message : String(error)}`);
        }
      });
    });
    asked.on('timeout', () => { asked.destroy(new IssuerError(`${url}: no answer within ${FETCH_TIMEOUT_MS} ms`)); });
    asked.on('error', reject);
    asked.end();
  });
}

/** Members of the set that are no keys are the library's to refuse. */
const isKeySet = (value: unknown): value is JSONWebKeySet => isObject(value) && Array.isArray(value['keys']);

export class Issuer {
  readonly #url: string;
  readonly #agent: Agent;
  #keys: { set: JSONWebKeySet; fetched: number } | undefined;
  #pending: Promise<JSONWebKeySet> | undefined;
  #tried = -Infinity;

  /** `ca`: PEM, or undefined for the authorities the machine trusts. */
  constructor(url: string, ca: string | undefined) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: false, ...(ca === undefined ? {} : { ca }) });
  }

  /** The keys; `fresh` when a key was missing from those known. Rejects when the issuer cannot be asked. */
  keys(fresh = false): Promise<JSONWebKeySet> {
    const now = performance.now();
    const known = this.#keys;
    if (known !== undefined && now - known.fetched < KEYS_LIFETIME_MS && (!fresh || now - this.#tried < KEYS_PAUSE_MS)) {
      return Promise.resolve(known.set);
    }
    // All who wait share one question.
    this.#pending ??= this.#fetch(now).finally(() => { this.#pending = undefined; });
    return this.#pending;
  }

  async #fetch(now: number): Promise<JSONWebKeySet> {
    if (now - this.#tried < KEYS_PAUSE_MS && this.#keys === undefined) {
      throw new IssuerError(`${this.#url} could not be asked a moment ago`);
    }
    this.#tried = now;
    const description = await fetchJson(`${this.#url.replace(/\/$/, '')}/.well-known/openid-configuration`, this.#agent);
    const { issuer, jwks_uri: uri } = isObject(description) ? description : {};
    if (issuer !== this.#url) {
      throw new IssuerError(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(this.#url)} got ${JSON.stringify(issuer ?? '')}`);
    }
    if (typeof uri !== 'string' || !uri.startsWith('https://')) {
      throw new IssuerError(`${this.#url}: jwks_uri is no https URL`);
    }
    const set = await fetchJson(uri, this.#agent);
    if (!isKeySet(set)) {
      throw new IssuerError(`${uri}: no key set`);
    }
    this.#keys = { set, fetched: now };
    return set;
  }
}
