/** A Telar of a test's own: its directory, ports and ranges, its kubectl. Everything it starts goes with `remove()`. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LAUNCHER = join(ROOT, 'telar');
/** What a command may print before it counts as broken. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** Run a program to its end; a failure is an answer, not an exception. */
export async function execute(file: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; input?: string; timeoutMs?: number } = {}): Promise<Output> {
  const pending = run(file, [...args], {
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  });
  // A program that ends without reading its input is judged by its exit code.
  pending.child.stdin?.on('error', () => undefined);
  pending.child.stdin?.end(options.input ?? '');
  try {
    const { stdout, stderr } = await pending;
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && 'stderr' in error) {
      const code = 'code' in error && typeof error.code === 'number' ? error.code : 1;
      return { code, stdout: String(error.stdout), stderr: String(error.stderr) };
    }
    throw error;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') {
    throw new Error('no port');
  }
  return address.port;
}

/** Second octets of the ranges; taken from the process id so that suites beside each other differ. */
const FIRST_OCTET = 100;
const PAIRS = 75;
let nextRange = FIRST_OCTET + (process.pid % PAIRS) * 2;

/** The next pair of second octets that the machine has no route to: an instance that was killed may have left its own. */
async function freeRange(): Promise<number> {
  const { stdout } = await execute('ip', ['-o', 'route']);
  const taken = new Set([...stdout.matchAll(/\b10\.(\d+)\./g)].map(([, octet]) => Number(octet)));
  for (let tries = 0; tries < PAIRS; tries += 1) {
    const range = nextRange;
    nextRange = range + 2 >= FIRST_OCTET + 2 * PAIRS ? FIRST_OCTET : range + 2;
    if (!taken.has(range) && !taken.has(range + 1)) {
      return range;
    }
  }
  throw new Error(`every range from 10.${FIRST_OCTET}.0.0/16 on is taken: ${stdout}`);
}

export interface InstanceOptions {
  /** Extra arguments of `telar up`. */
  args?: readonly string[];
}

export class TestInstance {
  readonly dataDir: string;
  readonly port: number;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly #args: readonly string[];

  private constructor(dataDir: string, port: number, range: number, args: readonly string[]) {
    this.dataDir = dataDir;
    this.port = port;
    this.podCidr = `10.${range}.0.0/16`;
    this.serviceCidr = `10.${range + 1}.0.0/16`;
    this.#args = args;
  }

  static async create(options: InstanceOptions = {}): Promise<TestInstance> {
    const range = await freeRange();
    return new TestInstance(mkdtempSync(join(tmpdir(), 'telar-test-')), await freePort(), range, options.args ?? []);
  }

  get kubeconfig(): string {
    return join(this.dataDir, 'admin.kubeconfig');
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, TELAR_DATA_DIR: this.dataDir, KUBECONFIG: this.kubeconfig, LC_ALL: 'C.UTF-8' };
  }

  get upArgs(): string[] {
    return ['up', '--data-dir', this.dataDir, '--port', String(this.port), '--pod-cidr', this.podCidr, '--service-cidr', this.serviceCidr, ...this.#args];
  }

  /** `telar up --detach`, which returns once it is ready. */
  async up(): Promise<void> {
    const output = await this.telar([...this.upArgs.slice(0), '--detach', '--yes']);
    if (output.code !== 0) {
      throw new Error(`telar up failed (${output.code}): ${output.stdout}${output.stderr}`);
    }
  }

  /** `telar up` in the foreground, as a child of the test. */
  spawnUp(): ChildProcess {
    return spawn(LAUNCHER, this.upArgs, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  telar(args: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<Output> {
    return execute(LAUNCHER, args, { env: this.env, ...options });
  }

  kubectl(args: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<Output> {
    return execute('kubectl', ['--kubeconfig', this.kubeconfig, '--cache-dir', join(this.dataDir, 'kubectl-cache'), ...args], { env: this.env, ...options });
  }

  /** kubectl that must succeed; its standard output. */
  async k(...args: string[]): Promise<string> {
    const output = await this.kubectl(args);
    if (output.code !== 0) {
      throw new Error(`kubectl ${args.join(' ')}: ${output.stderr}`);
    }
    return output.stdout.trim();
  }

  async apply(manifest: unknown): Promise<void> {
    const items = Array.isArray(manifest) ? { apiVersion: 'v1', kind: 'List', items: manifest } : manifest;
    const output = await this.kubectl(['apply', '-f', '-'], { input: typeof items === 'string' ? items : JSON.stringify(items) });
    if (output.code !== 0) {
      throw new Error(`kubectl apply: ${output.stderr}`);
    }
  }

  async json(...args: string[]): Promise<unknown> {
    const parsed: unknown = JSON.parse(await this.k(...args, '-o', 'json'));
    return parsed;
  }

  jsonpath(resource: string, path: string, ...args: string[]): Promise<string> {
    return this.k('get', ...resource.split(' '), ...args, '-o', `jsonpath=${path}`);
  }

  /** Process id of the running control plane, as its lock names it. */
  pid(): number {
    const lock = join(this.dataDir, 'lock');
    const text = existsSync(lock) ? readFileSync(lock, 'utf8') : '';
    const pid = Number(/\d+/.exec(text)?.[0]);
    if (!Number.isInteger(pid)) {
      throw new Error(`no process id in ${lock}: ${text}`);
    }
    return pid;
  }

  /** `kill -9` of the control plane; resolves when it is gone. */
  async kill(): Promise<void> {
    const pid = this.pid();
    process.kill(pid, 'SIGKILL');
    await gone(pid);
  }

  /** The id in the names of everything the instance has on the machine. */
  get id(): string {
    const record: unknown = JSON.parse(readFileSync(join(this.dataDir, 'instance.json'), 'utf8'));
    return typeof record === 'object' && record !== null && 'id' in record ? String(record.id) : '';
  }

  async down(...args: string[]): Promise<Output> {
    return this.telar(['down', '--data-dir', this.dataDir, ...args]);
  }

  /** Take everything away, the images apart when `keep` says so. */
  async remove(): Promise<void> {
    const output = await this.down('--workloads');
    if (output.code !== 0) {
      throw new Error(`telar down --workloads: ${output.stdout}${output.stderr}`);
    }
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  writeFile(name: string, text: string): string {
    const path = join(this.dataDir, name);
    writeFileSync(path, text);
    return path;
  }
}

/** Resolves when a process has ended; a zombie has, whoever is slow to read it. */
export async function gone(pid: number): Promise<void> {
  await eventually('the process is gone', () => {
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return Promise.resolve(stat === '' || /\) [ZX] /.test(stat));
  }, 20_000);
}

/** Try until it holds; says what it last saw when it never does. The limit is generous: it only ends what would hang. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>, limitMs = 120_000): Promise<T> {
  const end = Date.now() + limitMs;
  let last: unknown = 'nothing';
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) {
        return value;
      }
      last = value;
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    if (Date.now() > end) {
      throw new Error(`never happened: ${what}; last: ${String(last)}`);
    }
    await new Promise((resolve) => { setTimeout(resolve, 150); });
  }
}
