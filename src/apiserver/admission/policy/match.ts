/** Which requests rules and selectors of policies and webhooks mean: k8s.io/apiserver admission/plugin/webhook/predicates. */
import type { GroupVersionKind, GroupVersionResource, KubeObject } from '../../../apimachinery/object.ts';
import { matchesLabels, selectorFromObject, type LabelSelector } from '../../../apimachinery/selectors.ts';
import { notFound } from '../../../apimachinery/status.ts';
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../../../kinds/generated/admissionregistration.ts';
import type { LabelSelector as SelectorObject } from '../../../kinds/generated/meta.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { Registry } from '../../../kinds/registry.ts';
import type { Lookup, ResourcePath } from '../../lookup.ts';
import type { AdmissionRequest } from '../admission.ts';
import { shownKind } from './views.ts';

const NAMESPACES: ResourcePath = ['', 'v1', 'namespaces'];
const GROUP = 'admissionregistration.k8s.io';

/** What the matching needs of the server. */
export interface Matching {
  readonly registry: Registry;
  readonly lookup: Lookup;
}

/** As what a request is shown: its own resource and kind, or equivalent ones in another version. */
export interface Match {
  readonly resource: GroupVersionResource;
  readonly kind: GroupVersionKind;
  /** The version to convert the object to; undefined when it is the request's own. */
  readonly convertTo: AnyKind | undefined;
}

const has = (list: readonly string[] | undefined, value: string): boolean => list?.includes('*') === true || list?.includes(value) === true;

/** `pods` without subresource, `pods/status`, `pods/*`, `*`, `*` with `/scale`, `*` with `/*`. */
function hasResource(list: readonly string[] | undefined, resource: string, subresource: string): boolean {
  return list?.some((entry) => {
    const slash = entry.indexOf('/');
    const [name, sub] = slash < 0 ? [entry, ''] : [entry.slice(0, slash), entry.slice(slash + 1)];
    return (name === '*' || name === resource) && (sub === '*' || sub === subresource);
  }) === true;
}

/** Namespaces themselves count as cluster-scoped. */
function inScope(scope: string | undefined, request: AdmissionRequest): boolean {
  const namespaced = request.namespace !== '' && !isNamespace(request);
  return scope === 'Namespaced' ? namespaced : scope === 'Cluster' ? !namespaced : true;
}

const isNamespace = ({ kind }: AdmissionRequest): boolean => kind.group === '' && kind.plural === 'namespaces';

function ruleMatches(rule: RuleWithOperations, request: AdmissionRequest, { group, version, resource }: GroupVersionResource): boolean {
  return inScope(rule.scope, request) && has(rule.operations, request.operation) && has(rule.apiGroups, group)
    && has(rule.apiVersions, version) && hasResource(rule.resources, resource, request.subresource);
}

const resourceOf = ({ group, version, plural }: AnyKind): GroupVersionResource => ({ group, version, resource: plural });

/** What was found for one generation of a registry. */
interface Equivalents { readonly generation: number; readonly byKind: Map<AnyKind, readonly AnyKind[]> }

const equivalentKinds = new WeakMap<Registry, Equivalents>();

/** Other versions under which the same stored objects are served. */
function equivalents(registry: Registry, { kind: own }: AdmissionRequest): readonly AnyKind[] {
  const { generation } = registry;
  const known = equivalentKinds.get(registry);
  const { byKind } = known?.generation === generation ? known : { byKind: new Map<AnyKind, readonly AnyKind[]>() };
  equivalentKinds.set(registry, { generation, byKind });
  const cached = byKind.get(own);
  if (cached !== undefined) {
    return cached;
  }
  const prefix = own.unstored === true ? '' : registry.storagePrefix(own);
  const kinds = own.unstored === true ? [] : registry.list().filter((kind) => kind !== own && kind.unstored !== true && registry.storagePrefix(kind) === prefix);
  byKind.set(own, kinds);
  return kinds;
}

type ExactRule = (resource: GroupVersionResource) => boolean;

/** The first of `rules` the request itself matches, else by an equivalent resource when the policy says so. */
function matchRules(matching: Matching, request: AdmissionRequest, exact: ExactRule, policy: string | undefined): Match | undefined {
  const own = request.requestResource;
  if (exact(own)) {
    return { resource: own, kind: shownKind(request), convertTo: undefined };
  }
  if (policy === 'Exact') {
    return undefined;
  }
  const other = equivalents(matching.registry, request).find((kind) => exact(resourceOf(kind)));
  if (other === undefined) {
    return undefined;
  }
  // A subresource's own kind (a Scale, an Eviction) is the same in all versions of its parent.
  const shown = shownKind(request);
  const foreign = shown.kind !== request.kind.kind;
  const kind = foreign ? shown : { group: other.group, version: other.version, kind: other.kind };
  return { resource: resourceOf(other), kind, convertTo: foreign ? undefined : other };
}

const selectors = new WeakMap<SelectorObject, LabelSelector>();

function selectorOf(object: SelectorObject): LabelSelector {
  const known = selectors.get(object) ?? selectorFromObject(object);
  selectors.set(object, known);
  return known;
}

const selectsAll = (selector: SelectorObject | undefined): boolean =>
  selector === undefined || (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0);

function objectMatches(selector: SelectorObject | undefined, { object, old }: AdmissionRequest): boolean {
  if (selector === undefined || selectsAll(selector)) {
    return true;
  }
  const parsed = selectorOf(selector);
  return [object, old].some((one) => one !== undefined && matchesLabels(parsed, one.metadata.labels));
}

/** The namespace a request is in; undefined for cluster-scoped objects and for namespaces themselves. Throws NotFound. */
export function namespaceOf({ lookup }: Matching, request: AdmissionRequest): KubeObject | undefined {
  if (request.namespace === '' || isNamespace(request)) {
    return undefined;
  }
  const found = lookup.get(NAMESPACES, '', request.namespace);
  if (found === undefined) {
    throw notFound({ group: '', resource: 'namespaces', name: request.namespace });
  }
  return found;
}

function namespaceMatches(matching: Matching, selector: SelectorObject | undefined, request: AdmissionRequest): boolean {
  if (selector === undefined || selectsAll(selector)) {
    return true;
  }
  if (isNamespace(request)) {
    return matchesLabels(selectorOf(selector), (request.object ?? request.old)?.metadata.labels);
  }
  const namespace = namespaceOf(matching, request);
  return namespace === undefined || matchesLabels(selectorOf(selector), namespace.metadata.labels);
}

interface Selectors { readonly namespaceSelector?: SelectorObject; readonly objectSelector?: SelectorObject }

export const selectorsMatch = (matching: Matching, { namespaceSelector, objectSelector }: Selectors, request: AdmissionRequest): boolean =>
  objectMatches(objectSelector, request) && namespaceMatches(matching, namespaceSelector, request);

const named = (rule: NamedRuleWithOperations, request: AdmissionRequest): boolean =>
  (rule.resourceNames ?? []).length === 0 || rule.resourceNames?.includes(request.name) === true;

/** How a policy's constraints or a binding's match the request; undefined when they do not. Without resource rules everything is meant. */
export function matchResources(matching: Matching, constraints: MatchResources | undefined, request: AdmissionRequest): Match | undefined {
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = constraints ?? {};
  const exact = (rules: readonly NamedRuleWithOperations[]): ExactRule => (resource) => rules.some((rule) => named(rule, request) && ruleMatches(rule, request, resource));
  // Rules first: they are cheap and most requests stop here.
  const found = resourceRules.length === 0 ? { resource: request.requestResource, kind: shownKind(request), convertTo: undefined }
    : matchRules(matching, request, exact(resourceRules), matchPolicy);
  if (found === undefined || !selectorsMatch(matching, constraints ?? {}, request)) {
    return undefined;
  }
  const excluded = excludeResourceRules.length > 0 && matchRules(matching, request, exact(excludeResourceRules), matchPolicy) !== undefined;
  return excluded ? undefined : found;
}

/** The policies whose constraints the request meets, each with how. Decided before any of them changes the object, as Kubernetes does. */
export function matchingHooks<Hook>(matching: Matching, hooks: readonly Hook[], request: AdmissionRequest, constraintsOf: (hook: Hook) => MatchResources | undefined): { hook: Hook; match: Match }[] {
  return hooks.flatMap((hook) => {
    const match = matchResources(matching, constraintsOf(hook), request);
    return match === undefined ? [] : [{ hook, match }];
  });
}

interface Ruled { readonly rules?: readonly RuleWithOperations[]; readonly matchPolicy?: string }

/** How a webhook's rules match the request; undefined when they do not. Its selectors are asked separately. */
export const matchWebhookRules = (matching: Matching, { rules = [], matchPolicy }: Ruled, request: AdmissionRequest): Match | undefined =>
  matchRules(matching, request, (resource) => rules.some((rule) => ruleMatches(rule, request, resource)), matchPolicy);

const POLICY_RESOURCES: ReadonlySet<string> = new Set([
  'validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings',
]);
const WEBHOOK_RESOURCES: ReadonlySet<string> = new Set(['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']);

/** Policies are never subject to policies: otherwise one could forbid its own removal. */
export const isPolicyResource = ({ kind }: AdmissionRequest): boolean => kind.group === GROUP && POLICY_RESOURCES.has(kind.plural);
/** Neither policies nor webhooks are subject to webhooks. */
export const isAdmissionResource = ({ kind }: AdmissionRequest): boolean =>
  kind.group === GROUP && (POLICY_RESOURCES.has(kind.plural) || WEBHOOK_RESOURCES.has(kind.plural));
/** Whether a write of this kind changes what policies or webhooks there are. */
export const concernsAdmission = (kind: AnyKind, plurals: readonly string[]): boolean => kind.group === GROUP && plurals.includes(kind.plural);
