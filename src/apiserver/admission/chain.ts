/** Which admission plugins there are, and in which order they see a write: kube-apiserver's. */
import type { Log } from '../../apimachinery/log.ts';
import type { Registry } from '../../kinds/registry.ts';
import type { Store } from '../../store/store.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { Lookup, ResourcePath } from '../lookup.ts';
import { Admission, type AdmissionPlugin } from './admission.ts';
import { defaultIngressClass } from './ingressclass.ts';
import { namespaceLifecycle } from './lifecycle.ts';
import { limitRanger } from './limitrange.ts';
import { MutatingPolicies } from './policy/mutating.ts';
import { PolicyParameterAccess } from './policy/paramaccess.ts';
import { ValidatingPolicies } from './policy/validating.ts';
import { PodSecurity } from './podsecurity/plugin.ts';
import { podPriority } from './priority.ts';
import { QuotaAdmission } from './quota/plugin.ts';
import { runtimeClasses } from './runtimeclass.ts';
import { serviceAccounts } from './serviceaccount.ts';
import { ServiceAllocation } from './services.ts';
import { claimResize, defaultStorageClass, storageProtection } from './storage.ts';
import { defaultTolerationSeconds, taintNewNodes } from './tolerations.ts';
import { podTopologyLabels } from './topologylabels.ts';
import { WebhookClient } from './webhooks/client.ts';
import { MutatingWebhooks } from './webhooks/mutating.ts';
import { ValidatingWebhooks } from './webhooks/validating.ts';

/**
 * kube-apiserver's order (pkg/kubeapiserver/options AllOrderedPlugins), of the plugins there are here. It holds within each phase: all plugins'
 * `admit`, then validation by the kind's rules, then all plugins' `validate`. A plugin that is not named here comes where `OTHERS` stands.
 */
const OTHERS = '*';
const ORDER: readonly string[] = [
  'NamespaceLifecycle', 'LimitRanger', 'ServiceAccount', 'NodeRestriction', 'TaintNodesByCondition', 'PodSecurity', 'Priority', 'DefaultTolerationSeconds',
  'ExtendedResourceToleration', 'DefaultStorageClass', 'StorageObjectInUseProtection', 'OwnerReferencesPermissionEnforcement', 'PersistentVolumeClaimResize',
  'RuntimeClass', 'CertificateApproval', 'CertificateSigning', 'ClusterTrustBundleAttest', 'CertificateSubjectRestriction', 'DefaultIngressClass',
  'PodTopologyLabels', OTHERS, 'MutatingAdmissionPolicy', 'MutatingAdmissionWebhook', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionWebhook', 'ResourceQuota',
  'ServiceAllocation',
];
const OTHERS_RANK = ORDER.indexOf(OTHERS);

function rank({ name }: AdmissionPlugin): number {
  const at = ORDER.indexOf(name);
  return at < 0 ? OTHERS_RANK : at;
}

export interface ChainOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly lookup: Lookup;
  readonly authorizer: Authorizer;
  readonly log: Log;
  readonly serviceCidr: string;
  /** Refuse pods whose service account does not exist, and mount tokens. Default true. */
  readonly serviceAccounts?: boolean;
  /** Further plugins; their names say where they come. */
  readonly further?: readonly AdmissionPlugin[];
}

const NAMESPACES: ResourcePath = ['', 'v1', 'namespaces'];
const NODES: ResourcePath = ['', 'v1', 'nodes'];
const PODS: ResourcePath = ['', 'v1', 'pods'];
const SERVICE_ACCOUNTS: ResourcePath = ['', 'v1', 'serviceaccounts'];
const PRIORITY_CLASSES: ResourcePath = ['scheduling.k8s.io', 'v1', 'priorityclasses'];
const RUNTIME_CLASSES: ResourcePath = ['node.k8s.io', 'v1', 'runtimeclasses'];
const LIMIT_RANGES: ResourcePath = ['', 'v1', 'limitranges'];
const STORAGE_CLASSES: ResourcePath = ['storage.k8s.io', 'v1', 'storageclasses'];
const INGRESS_CLASSES: ResourcePath = ['networking.k8s.io', 'v1', 'ingressclasses'];

/** Services that existed before this start own their addresses. */
function serviceAllocation({ serviceCidr, store, registry }: ChainOptions): ServiceAllocation {
  const allocation = new ServiceAllocation(serviceCidr);
  const kind = registry.byResource('', 'v1', 'services');
  if (kind !== undefined) {
    for (const { object } of store.list(registry.storagePrefix(kind)).items) {
      allocation.committed(kind, object, undefined);
    }
  }
  return allocation;
}

/** The chain of a server. A new plugin is a line here and its name in `ORDER`. */
export function admissionChain(options: ChainOptions): Admission {
  const { lookup } = options;
  const hooks = { ...options, client: new WebhookClient(lookup) };
  const plugins: AdmissionPlugin[] = [
    lookup,
    namespaceLifecycle((name) => lookup.get(NAMESPACES, '', name)),
    ...(options.serviceAccounts === false ? []
      : [serviceAccounts({ accountOf: (namespace, name) => lookup.get(SERVICE_ACCOUNTS, namespace, name), mountTokens: true })]),
    limitRanger((namespace) => lookup.list(LIMIT_RANGES, namespace)),
    taintNewNodes,
    podPriority({ classOf: (name) => lookup.get(PRIORITY_CLASSES, '', name), classes: () => lookup.list(PRIORITY_CLASSES) }),
    new PodSecurity({ namespaceOf: (name) => lookup.get(NAMESPACES, '', name), podsOf: (namespace) => lookup.list(PODS, namespace) }),
    defaultTolerationSeconds,
    defaultStorageClass(() => lookup.list(STORAGE_CLASSES)),
    storageProtection,
    claimResize((name) => lookup.get(STORAGE_CLASSES, '', name)),
    defaultIngressClass(() => lookup.list(INGRESS_CLASSES)),
    runtimeClasses((name) => lookup.get(RUNTIME_CLASSES, '', name)),
    podTopologyLabels((name) => lookup.get(NODES, '', name)),
    new PolicyParameterAccess(options, options.authorizer),
    new MutatingPolicies(options, options.authorizer),
    new MutatingWebhooks(hooks),
    new ValidatingPolicies(options, options.authorizer),
    new ValidatingWebhooks(hooks),
    new QuotaAdmission(options),
    serviceAllocation(options),
    ...options.further ?? [],
  ];
  return new Admission([...plugins].sort((a, b) => rank(a) - rank(b)));
}
