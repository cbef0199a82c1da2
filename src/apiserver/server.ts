/** The API server: wires the stages together. Everything it needs is handed to it; it opens nothing but its listeners. */
import type { Instance } from '../apimachinery/instance.ts';
import type { Log } from '../apimachinery/log.ts';
import type { NodeConnector } from '../apimachinery/nodehandler.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin } from './admission/admission.ts';
import { PolicyTypeChecker } from './admission/policy/typecheck.ts';
import { ApiServices } from './aggregation/apiservices.ts';
import { admissionChain } from './admission/chain.ts';
import { Auditor, type AuditSink } from './audit/auditor.ts';
import type { AuditPolicy } from './audit/policy.ts';
import { Authenticator } from './authn/authenticate.ts';
import type { Revocations } from './authn/certificate.ts';
import { LegacyTokens } from './authn/legacytokens.ts';
import { staticSource, TokenChain, type TokenSource } from './authn/chain.ts';
import { ServiceAccountTokens } from './authn/serviceaccounts.ts';
import { parseTokenFile, StaticTokens, type StaticToken } from './authn/tokenfile.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { createPolicy } from './authz/index.ts';
import { MASTERS } from './authz/masters.ts';
import { bootstrap } from './bootstrap.ts';
import { Definitions } from './custom/definitions.ts';
import { certificatePlugins } from './certificates/admission.ts';
import { CertificateController } from './certificates/controller.ts';
import { startExpiry } from './expiry.ts';
import type { ExtraGroup } from './extragroup.ts';
import { Fairness } from './fairness/fairness.ts';
import { writeLevels } from './fairness/metrics.ts';
import { Handler, type HandlerOptions } from './http/handler.ts';
import { Listener } from './http/listener.ts';
import { handleUpgrade } from './http/upgrade.ts';
import { inProcessTransport, type InProcessTransport } from './inprocess.ts';
import { Lookup, type ResourcePath } from './lookup.ts';
import { metricsGroup } from './metrics/group.ts';
import { Backups, type BackupSource } from './paths/backup.ts';
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
  /** Further kinds of bearer tokens: see authn/oidc/. */
  tokenSources?: readonly TokenSource[];
  /** Client certificates that count no longer. */
  revoked?: Revocations;
  /** What is told of requests, and where. */
  audit?: { policy: AuditPolicy; log: AuditSink };
  authorizer?: Authorizer;
  /** What `/telar/backup` holds beside the store. Without it there is no such path. */
  backup?: BackupSource;
  /** Answered by modules of their own, e.g. `subresources.kubevirt.io`. */
  groups?: readonly ExtraGroup[];
  /** Further admission plugins; see admission/chain.ts for where they come. */
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
  /** Uses these certificates for connections from now on; those there are stay. */
  renew(pki: Pki): void;
  /** Ends watches, lets requests under way finish, closes the listeners. The store stays open. */
  close(): Promise<void>;
}

const NONE_REVOKED: Revocations = new Set<string>();

const adminToken = (pki: Pki): StaticToken =>
  ({ token: pki.adminToken, user: { name: 'kubernetes-admin', groups: [MASTERS, 'system:authenticated'] } });

const inCore = (plural: string): ResourcePath => ['', 'v1', plural];
const TOKEN_SUBJECTS = { ServiceAccount: inCore('serviceaccounts'), Pod: inCore('pods'), Secret: inCore('secrets'), Node: inCore('nodes') } as const;

/** Tokens of the file and of service accounts, and those that other issuers vouch for. */
function bearersOf({ pki, tokenFile, tokenSources = [] }: ApiServerOptions, tokens: ServiceAccountTokens): TokenChain {
  const own = [tokens.issuer];
  const known = new StaticTokens([adminToken(pki), ...parseTokenFile(tokenFile ?? '')]);
  return new TokenChain([staticSource(known, own), tokens, ...tokenSources], own);
}

/** `current`: the certificates of the moment. */
function coreOf(options: ApiServerOptions, own: readonly AdmissionPlugin[], current: () => Pki): Core {
  const { store, registry, log, pki } = options;
  const lookup = new Lookup(store, registry);
  const policy = createPolicy(store, registry, lookup);
  const authorizer = options.authorizer ?? policy.authorizer;
  const tokens = new ServiceAccountTokens({
    key: pki.serviceAccountKey, issuer: `https://kubernetes.default.svc.${options.instance.clusterDomain}`,
    lookup: (what, namespace, name) => lookup.get(TOKEN_SUBJECTS[what], namespace, name),
  });
  const nodes = connector(options.nodes, {
    trust: () => ({ ca: current().ca.cert, client: current().apiserverKubeletClient }), nodeOf: (name) => lookup.get(TOKEN_SUBJECTS.Node, '', name),
  });
  const admission = admissionChain({
    store, registry, lookup, authorizer, log, serviceCidr: options.instance.serviceCidr,
    ...(options.serviceAccounts === undefined ? {} : { serviceAccounts: options.serviceAccounts }),
    further: [...own, ...policy.plugins, ...certificatePlugins(authorizer), ...options.admission ?? []],
  });
  return new Core({ store, registry, lookup, log, tokens, bearers: bearersOf(options, tokens), nodes, admission, authorizer });
}

/** Watches of a resource that is served no longer end. */
function closeOrphans(watches: ReadonlySet<WatchStream>, registry: Registry): void {
  for (const watch of watches) {
    const { custom, group, version, plural } = watch.kind;
    if (custom !== undefined && registry.byResource(group, version, plural) === undefined) {
      watch.close();
    }
  }
}

export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, registry, log, pki, instance } = options;
  const definitions = new Definitions({ store, registry, log });
  const aggregation = new ApiServices(log, pki.ca.cert);
  let current = pki;
  const attendants = [new CertificateController(() => current.ca), new LegacyTokens(() => current.ca.cert), new PolicyTypeChecker(), aggregation];
  const core = coreOf(options, [definitions, ...attendants], () => current);
  const health = new Health();
  health.add({ name: 'store', live: true, run: () => (store.currentRevision >= 0 ? { ok: true } : { ok: false, why: 'the store has no state' }) });
  const { apiAddress, nodeAddress, port } = instance;
  await bootstrap(core, { apiAddress, nodeAddress, port, serviceCidr: options.instance.serviceCidr });
  await definitions.start(core);
  for (const attendant of attendants) {
    await attendant.start(core);
  }
  let address = `${nodeAddress}:${port}`;
  const metrics = new Metrics(store, registry);
  const fairness = new Fairness(core.lookup);
  metrics.also((out) => writeLevels(fairness.counts(), out));
  const pipeline: Pipeline = {
    core, groups: new Map([metricsGroup(), ...options.groups ?? []].map((group) => [group.group, group])), fairness, aggregation,
    ...(options.audit === undefined ? {} : { audit: new Auditor(options.audit.policy, options.audit.log, registry) }),
    paths: {
      documents: new Documents(registry, () => address), health, metrics, tokens: core.tokens,
      ...(options.backup === undefined ? {} : { backups: new Backups(options.backup, store) }),
    },
  };
  const watches = new Set<WatchStream>();
  definitions.onChange(() => {
    closeOrphans(watches, registry);
    aggregation.trigger();
  });
  const handling: HandlerOptions = { pipeline, log, watches, authenticator: new Authenticator(core.bearers, options.revoked ?? NONE_REVOKED) };
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
        serving: current.serving, clientCas: current.clientCas,
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
    renew(fresh): void {
      current = fresh;
      listeners.forEach((listener) => listener.renew(fresh));
    },
    async close(): Promise<void> {
      stopExpiry();
      metrics.close();
      await Promise.all([definitions.close(), ...attendants.map((attendant) => attendant.stop())]);
      for (const watch of watches) {
        watch.close();
      }
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}
