/** The real kubectl against an API server without nodes or controllers, in a directory of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminKubeconfig } from '../../src/apiserver/pki/index.ts';
import { TestServer } from '../../src/apiserver/testing/harness.ts';

const KUBECTL = process.env['KUBECTL'] ?? 'kubectl';
const LIMIT_MS = 60_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface Output {
  code: number;
  out: string;
  err: string;
}

export class KubectlBench {
  readonly server: TestServer;
  readonly dir: string;

  private constructor(server: TestServer, dir: string) {
    this.server = server;
    this.dir = dir;
  }

  static async start(): Promise<KubectlBench> {
    const server = await TestServer.start();
    const dir = await mkdtemp(join(tmpdir(), 'telar-kubectl-'));
    await writeFile(join(dir, 'kubeconfig'), adminKubeconfig(server.pki, `https://127.0.0.1:${server.port}`), { mode: 0o600 });
    return new KubectlBench(server, dir);
  }

  async close(): Promise<void> {
    await this.server.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Writes a file and returns its path. */
  async file(name: string, text: string): Promise<string> {
    const path = join(this.dir, name);
    await writeFile(path, text);
    return path;
  }

  run(args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<Output> {
    const env = { ...process.env, KUBECONFIG: join(this.dir, 'kubeconfig'), HOME: this.dir, ...extra };
    return new Promise((resolve) => {
      const options = { env, timeout: LIMIT_MS, cwd: this.dir, maxBuffer: MAX_OUTPUT_BYTES };
      execFile(KUBECTL, ['--cache-dir', join(this.dir, 'cache'), ...args], options, (error, out, err) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
      });
    });
  }

  /** Runs to success; the standard output. */
  async ok(...args: string[]): Promise<string> {
    const { code, out, err } = await this.run(args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${err}${out}`);
    return out;
  }

  /** Runs to failure; what it complains about. */
  async fails(...args: string[]): Promise<string> {
    const { code, out, err } = await this.run(args);
    assert.notEqual(code, 0, `kubectl ${args.join(' ')} succeeded: ${out}`);
    return err;
  }
}
