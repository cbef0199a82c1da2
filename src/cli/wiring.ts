/** What the command line needs of the rest of the house; `main.ts` supplies it, so that commands import no other room. */
import type { Instance } from '../apimachinery/instance.ts';
import type { Log } from '../apimachinery/log.ts';

/** What a process of Telar does: `telar up` all of it. */
export type Role = 'server' | 'controllers' | 'node';

/** Files and values given with options; the server reads them. */
export interface SecurityOptions {
  /** Keys for Secrets on disk, the newest first. */
  encryptionKey?: string;
  /** `token,user,uid,"group,…"` in lines. */
  tokenAuthFile?: string;
  audit?: { policyFile: string; path: string; maxAge: number; maxBackup: number; maxSize: number };
  oidc?: {
    issuerUrl: string; clientId?: string; usernameClaim?: string; usernamePrefix?: string; groupsClaim?: string; groupsPrefix?: string;
    requiredClaims?: readonly string[]; caFile?: string; signingAlgs?: string;
  };
}

/** Somebody with a certificate of this instance's authority. */
export interface UserRecord {
  name: string;
  groups: readonly string[];
  /** RFC 3339, all of them. */
  issued: string;
  expires: string;
  removed?: string;
}

export interface Users {
  /** A kubeconfig with a new certificate. */
  add(user: { name: string; groups: readonly string[]; days: number; server: string }): Promise<string>;
  list(): Promise<readonly UserRecord[]>;
  /** Takes a name's certificates away; answers how many there were. */
  remove(name: string): Promise<number>;
}

export interface ServeOptions {
  instance: Instance;
  security: SecurityOptions;
  /** Always with `server`. */
  roles: readonly Role[];
  /** `*,-deployment`: which controllers run. */
  controllers: string;
  log: Log;
  /** Ends everything cleanly when it aborts. */
  signal: AbortSignal;
  /** Called once `/readyz` answers ok. */
  ready: () => void;
}

/** Controllers without a server of their own. */
export interface ControlOptions {
  /** File that says which API server and as whom. */
  kubeconfig: string;
  controllers: string;
  /** Addresses the node controller gives ranges of to nodes. */
  podCidr: string;
  /** Wait for the Lease that several such processes share. */
  leaderElect: boolean;
  log: Log;
  signal: AbortSignal;
  /** Called with the server's URL once the controllers work. */
  ready: (server: string) => void;
}

/** A node without a server of its own. */
export interface NodeOptions {
  instance: Instance;
  /** File that says which API server; as the node, or as who may ask for its certificate. */
  kubeconfig: string;
  log: Log;
  signal: AbortSignal;
  /** Called with the server's URL once the node is ready. */
  ready: (server: string) => void;
}

export interface ProbeResult {
  /** `limited`: Telar works without, worse. `missing`: it does not. */
  status: 'ok' | 'limited' | 'missing';
  detail: string;
}

/** A look at the machine: structurally the node room's. */
export interface Probe {
  name: string;
  /** Debian packages that bring what it looks for. */
  packages: readonly string[];
  run(): Promise<ProbeResult>;
}

export interface ProbeTarget {
  dataDir: string;
  listen: string;
  port: number;
  /** The instance runs and has the port itself. */
  running: boolean;
}

/** What `telar verify` found: structurally the store room's. */
export interface StoreReport {
  format: number;
  /** Versions of objects, deletions included. */
  versions: number;
  /** Objects that exist. */
  objects: number;
  /** Values that could not be looked into. */
  encrypted: number;
  revision: number;
  compacted: number;
  problems: readonly string[];
  /** Problems beyond those told. */
  moreProblems: number;
}

export interface Wiring {
  /** Looks through a database file that nobody has open. Throws when it is no store, a newer Telar's, or in use. */
  verify(file: string, encryptionKey?: string): Promise<StoreReport>;
  /** What `telar doctor` looks at, in order. */
  probes(target: ProbeTarget): Promise<readonly Probe[]>;
  /** API server and, as the roles say, controllers and node in this process; resolves when all has ended. */
  serve(options: ServeOptions): Promise<void>;
  /** Controllers against the server that a kubeconfig names; resolves when they have ended. */
  control(options: ControlOptions): Promise<void>;
  /** Pods and guests of the server that a kubeconfig names; resolves when the node has ended. */
  node(options: NodeOptions): Promise<void>;
  /** Who has been given certificates. */
  users(instance: Instance): Users;
  /** Ends every container and guest of an instance and removes its links, rules and namespaces. */
  teardown(instance: Instance, log: Log): Promise<void>;
  /** The DNS process of an instance; resolves when it ends. */
  gateway(args: readonly string[]): Promise<void>;
}
