/** `/livez`, `/readyz` and `/healthz`: named checks, with kube-apiserver's texts. */
import type { Answer, Call } from '../types.ts';

export type CheckResult = { ok: true } | { ok: false; why: string };

export interface Check {
  readonly name: string;
  /** Part of `/livez` too: a failure there means that only a restart helps. */
  readonly live: boolean;
  run(): CheckResult;
}

const ENDPOINTS = ['livez', 'readyz', 'healthz'] as const;

const text = (code: number, body: string): Answer =>
  ({ type: 'raw', code, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body });

export class Health {
  readonly #checks = new Map<string, Check>();

  constructor() {
    this.add({ name: 'ping', live: true, run: () => ({ ok: true }) });
  }

  add(check: Check): void {
    this.#checks.set(check.name, check);
  }

  /** A check that somebody else answers by calling this again: false until then. */
  set(name: string, ok: boolean, why = 'not ready'): void {
    this.add({ name, live: false, run: () => (ok ? { ok } : { ok, why }) });
  }

  /** Names of the checks that fail. */
  failing(): string[] {
    return [...this.#checks.values()].filter((check) => !check.run().ok).map((check) => check.name);
  }

  /** Undefined for a path that is none of ours. */
  answer(call: Call): Answer | undefined {
    const [, endpoint, one, ...rest] = call.info.path.split('/');
    if (!ENDPOINTS.some((name) => name === endpoint) || rest.length > 0) {
      return undefined;
    }
    const checks = [...this.#checks.values()].filter((check) => endpoint !== 'livez' || check.live);
    return one === undefined ? this.#all(call, endpoint ?? '', checks) : this.#one(one, checks);
  }

  #one(name: string, checks: readonly Check[]): Answer | undefined {
    const check = checks.find((candidate) => candidate.name === name);
    if (check === undefined) {
      return undefined;
    }
    const result = check.run();
    return result.ok ? text(200, 'ok') : text(500, `internal server error: ${result.why}\n`);
  }

  #all(call: Call, endpoint: string, checks: readonly Check[]): Answer {
    const excluded = new Set(call.query.getAll('exclude'));
    let lines = '';
    let failed = false;
    for (const check of checks) {
      if (excluded.delete(check.name)) {
        lines += `[+]${check.name} excluded: ok\n`;
        continue;
      }
      const result = check.run();
      failed ||= !result.ok;
      lines += result.ok ? `[+]${check.name} ok\n` : `[-]${check.name} failed: ${result.why}\n`;
    }
    if (excluded.size > 0) {
      lines += `warn: some health checks cannot be excluded: no matches for ${[...excluded].map((name) => JSON.stringify(name)).join(', ')}\n`;
    }
    if (failed) {
      return text(500, `${lines}${endpoint} check failed\n`);
    }
    return call.query.has('verbose') ? text(200, `${lines}${endpoint} check passed\n`) : text(200, 'ok');
  }
}
