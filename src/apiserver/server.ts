/** The API server: wires the stages together. Everything it needs is handed to it; it opens nothing but its listeners. */
import type { Instance } from '../apimachinery/instance.ts';
import type { Log } from '../apimachinery/log.ts';
import type { NodeConnector } from '../apimachinery/nodehandler.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Store } from '../store/store.ts';
import { Admission, type AdmissionPlugin } from './admission/admission.ts';
import { namespaceLifecycle } from './admission/lifecycle.ts';
import { podPriority } from './admission/priority.ts';
import { runtimeClasses } from './admission/runtimeclass.ts';
import { serviceAccounts } from './admission/serviceaccount.ts';
import { ServiceAllocation } from './admission/services.ts';
import { Authenticator } from './authn/authenticate.ts';
import { ServiceAccountTokens } from './authn/serviceaccounts.ts';
import { parseTokenFile, StaticTokens, type StaticToken } from './authn/tokenfile.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { MASTERS, superuserPolicy } from './authz/superuser.ts';
import { bootstrap } from './bootstrap.ts';
import { startExpiry } from './expiry.ts';
import type { ExtraGroup } from './extragroup.ts';
import { Handler, type HandlerOptions } from './http/handler.ts';
import { Listener } from './http/listener.ts';
import { handleUpgrade } from './http/upgrade.ts';
import { inProcessTransport, type InProcessTransport } from './inprocess.ts';
import { Documents } from './paths/documents.ts';
import { Health, type Check } from './paths/health.ts';
import { Metrics } from './paths/metrics.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pki } from './pki/index.ts';
import { connector } from './subresources/remotenode.ts';
import type { User } from './types.ts';
import { Core } from './verbs/core.ts';
import type { WatchStream } from './verbs/watchstream.ts';

export interface ApiServerOptions {
  store: Store;
  registry: Registry;
  pki: Pki;
  /** Nodes of this process; others are reached by their HTTPS port. */
  nodes: NodeConnector;
  log: Log;
  instance: Pick<Instance, 'serviceCidr' | 'clusterDomain' | 'apiAddress' | 'nodeAddress' | 'port'>;
  /** Text of a token file (`token,user,uid,"group,…"`), beside the administrator's token of the pki. */
  tokenFile?: string;
  authorizer?: Authorizer;
  /** Answered by modules of their own, e.g. `subresources.kubevirt.io`. */
  groups?: readonly ExtraGroup[];
  /** Further admission plugins, after the built-in ones. */
  admission?: readonly AdmissionPlugin[];
  /** Refuse pods whose service account does not exist, and mount tokens. Off where no service account controller runs. */
  serviceAccounts?: boolean;
}

export interface ApiServer {
  /** Starts to listen; may be called for several addresses, also after one that includes them. `port` 0 takes a free one. */
  listen(host: string, port: number): Promise<{ port: number }>;
  /** The server as a client in this process sees it, acting as `user`. */
  transport(user: User): InProcessTransport;
  /** A named check of `/readyz` that others answer; unready until it is set to true. */
  setReady(check: string, ok: boolean, why?: string): void;
  /** A named check that is asked at each request. */
  addCheck(check: Check): void;
  /** Names of readiness checks that fail. */
  notReady(): string[];
  readonly core: Core;
  /** Ends watches, lets requests under way finish, closes the listeners. The store stays open. */
  close(): Promise<void>;
}

const adminToken = (pki: Pki): StaticToken =>
  ({ token: pki.adminToken, user: { name: 'kubernetes-admin', groups: [MASTERS, 'system:authenticated'] } });

/** The stored object of a core kind; undefined when it or its kind is missing. */
function lookup(store: Store, registry: Registry, plural: string, namespace: string, name: string): KubeObject | undefined {
  const kind = registry.byResource('', 'v1', plural);
  return kind === undefined ? undefined : store.get(registry.storageKey(kind, kind.namespaced ? namespace : '', name))?.object;
}

type ResourcePath = readonly [group: string, version: string, plural: string];

const PRIORITY_CLASSES: ResourcePath = ['scheduling.k8s.io', 'v1', 'priorityclasses'];
const RUNTIME_CLASSES: ResourcePath = ['node.k8s.io', 'v1', 'runtimeclasses'];

/** A cluster-scoped object as it is stored. */
function stored(store: Store, registry: Registry, resource: ResourcePath, name: string): KubeObject | undefined {
  const kind = registry.byResource(...resource);
  return kind === undefined ? undefined : store.get(registry.storageKey(kind, '', name))?.object;
}

/** The class of pods that name none; of several the least, as in Kubernetes. */
function defaultPriorityClass(store: Store, registry: Registry): KubeObject | undefined {
  const kind = registry.byResource(...PRIORITY_CLASSES);
  const items = kind === undefined ? [] : store.list(registry.storagePrefix(kind)).items;
  return items.map(({ object }) => object).filter((object) => Reflect.get(object, 'globalDefault') === true)
    .sort((a, b) => Number(Reflect.get(a, 'value')) - Number(Reflect.get(b, 'value')))[0];
}

const PLURALS = { ServiceAccount: 'serviceaccounts', Pod: 'pods', Secret: 'secrets', Node: 'nodes' } as const;

/** Services that existed before this start own their addresses. */
function rebuild(allocation: ServiceAllocation, store: Store, registry: Registry): void {
  const kind = registry.byResource('', 'v1', 'services');
  if (kind !== undefined) {
    for (const { object } of store.list(registry.storagePrefix(kind)).items) {
      allocation.committed(kind, object, undefined);
    }
  }
}

function admissionOf(options: ApiServerOptions): Admission {
  const { store, registry } = options;
  const allocation = new ServiceAllocation(options.instance.serviceCidr);
  rebuild(allocation, store, registry);
  const accountOf = (namespace: string, name: string): KubeObject | undefined => lookup(store, registry, 'serviceaccounts', namespace, name);
  return new Admission([
    namespaceLifecycle((name) => lookup(store, registry, 'namespaces', '', name)),
    ...(options.serviceAccounts === false ? [] : [serviceAccounts({ accountOf, mountTokens: true })]),
    podPriority((name) => stored(store, registry, PRIORITY_CLASSES, name), () => defaultPriorityClass(store, registry)),
    runtimeClasses((name) => stored(store, registry, RUNTIME_CLASSES, name)),
    allocation,
    ...options.admission ?? [],
  ]);
}

function coreOf(options: ApiServerOptions): Core {
  const { store, registry, log, pki } = options;
  const tokens = new ServiceAccountTokens({
    key: pki.serviceAccountKey, issuer: `https://kubernetes.default.svc.${options.instance.clusterDomain}`,
    lookup: (what, namespace, name) => lookup(store, registry, PLURALS[what], namespace, name),
  });
  const nodes = connector(options.nodes, {
    ca: pki.ca.cert, client: pki.apiserverKubeletClient, nodeOf: (name) => lookup(store, registry, 'nodes', '', name),
  });
  return new Core({ store, registry, log, tokens, nodes, admission: admissionOf(options), authorizer: options.authorizer ?? superuserPolicy });
}

export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, registry, log, pki, instance } = options;
  const core = coreOf(options);
  const health = new Health();
  health.add({ name: 'store', live: true, run: () => (store.currentRevision >= 0 ? { ok: true } : { ok: false, why: 'the store has no state' }) });
  const { apiAddress, nodeAddress, port } = instance;
  await bootstrap(core, { apiAddress, nodeAddress, port });
  let address = `${nodeAddress}:${port}`;
  const pipeline: Pipeline = {
    core, groups: new Map((options.groups ?? []).map((group) => [group.group, group])),
    paths: { documents: new Documents(registry, () => address), health, metrics: new Metrics(store), tokens: core.tokens },
  };
  const watches = new Set<WatchStream>();
  const staticTokens = new StaticTokens([adminToken(pki), ...parseTokenFile(options.tokenFile ?? '')]);
  const handling: HandlerOptions = { pipeline, log, watches, authenticator: new Authenticator(staticTokens, core.tokens) };
  const handler = new Handler(handling);
  const listeners: Listener[] = [];
  const stopExpiry = startExpiry(core);
  return {
    core,
    async listen(host, wanted): Promise<{ port: number }> {
      const everywhere = listeners.find((listener) => wanted !== 0 && listener.covers(wanted));
      if (everywhere !== undefined) {
        return { port: wanted };
      }
      const listener = new Listener({
        serving: pki.serving, clientCa: pki.ca.cert,
        onRequest: (req, res) => handler.handle(req, res),
        onUpgrade: (req, socket, head) => handleUpgrade(handling, req, socket, head),
      });
      const bound = await listener.listen(host, wanted);
      listeners.push(listener);
      address = `${host}:${bound.port}`;
      log.info({ host, port: bound.port }, 'serving the Kubernetes API');
      return bound;
    },
    transport: (user) => inProcessTransport(pipeline, user),
    setReady: (check, ok, why) => health.set(check, ok, why),
    addCheck: (check) => health.add(check),
    notReady: () => health.failing(),
    async close(): Promise<void> {
      stopExpiry();
      for (const watch of watches) {
        watch.close();
      }
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}
