/**
 * What a node may do: what every node may (the role `system:node`), of some kinds only what concerns it — its own Node and Lease, pods bound
 * to it, and what those pods refer to. Kubernetes' node authorizer, with its texts.
 */
import type { KubeObject } from '../../../apimachinery/object.ts';
import { isObject } from '../../../apimachinery/values.ts';
import type { Lookup, ResourcePath } from '../../lookup.ts';
import type { User } from '../../types.ts';
import type { Attributes, Authorizer, Decision, Rules } from '../authorizer.ts';
import type { Permissions } from '../rbac/permissions.ts';
import type { NodeGraph, Referred } from './graph.ts';
import { nodeOf } from './identity.ts';

const ALLOWED: Decision = { allowed: true, reason: '' };
const NO_OPINION: Decision = { allowed: false, reason: '' };
export const NODE_LEASES = 'kube-node-lease';
const LEASE_VERBS: ReadonlySet<string> = new Set(['get', 'create', 'update', 'patch', 'delete']);
const READ_VERBS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

const CLAIMS: ResourcePath = ['', 'v1', 'persistentvolumeclaims'];
const ATTACHMENTS: ResourcePath = ['storage.k8s.io', 'v1', 'volumeattachments'];
const SLICES: ResourcePath = ['resource.k8s.io', 'v1', 'resourceslices'];
const MACHINES: ResourcePath = ['kubevirt.io', 'v1', 'virtualmachineinstances'];

const refuse = (reason: string): Decision => ({ allowed: false, reason });

type Question = (node: string, attributes: Attributes) => Decision;

const memberOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);
const specOf = (object: KubeObject | undefined, field: string): unknown => (object === undefined ? undefined : memberOf(Reflect.get(object, 'spec'), field));

/** Whether a volume of a machine takes its contents from this object. */
function names(volume: unknown, what: Referred, name: string): boolean {
  if (what === 'configmaps') {
    return memberOf(memberOf(volume, 'configMap'), 'name') === name;
  }
  const init = memberOf(volume, 'cloudInitNoCloud') ?? memberOf(volume, 'cloudInitConfigDrive');
  return what === 'secrets' && (memberOf(memberOf(volume, 'secret'), 'secretName') === name
    || memberOf(memberOf(init, 'secretRef'), 'name') === name || memberOf(memberOf(init, 'networkDataSecretRef'), 'name') === name);
}

export class NodeAuthorizer implements Authorizer {
  readonly #graph: NodeGraph;
  readonly #lookup: Lookup;
  /** What any node may do, whichever it is. */
  readonly #rules: Permissions;
  /** Kinds of which a node may not see all: `group/resource`. */
  readonly #questions: ReadonlyMap<string, Question>;

  constructor(graph: NodeGraph, lookup: Lookup, rules: Permissions) {
    this.#graph = graph;
    this.#lookup = lookup;
    this.#rules = rules;
    this.#questions = new Map<string, Question>([
      ['/secrets', (node, attributes) => this.#readable(node, attributes, 'secrets')],
      ['/configmaps', (node, attributes) => this.#readable(node, attributes, 'configmaps')],
      ['/persistentvolumeclaims', (node, attributes) => this.#claim(node, attributes)],
      ['/persistentvolumes', (node, attributes) => onlyGet(attributes, () => this.#usesVolume(node, attributes.name), node)],
      ['storage.k8s.io/volumeattachments', (node, attributes) => onlyGet(attributes, () => this.#attached(node, attributes.name), node)],
      ['/serviceaccounts', (node, attributes) => this.#account(node, attributes)],
      ['coordination.k8s.io/leases', lease],
      ['storage.k8s.io/csinodes', csiNode],
      ['resource.k8s.io/resourceslices', (node, attributes) => this.#slice(node, attributes)],
      ['/nodes', ownNode],
      ['/pods', (node, attributes) => this.#pod(node, attributes)],
    ]);
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeOf(attributes.user);
    if (node === undefined) {
      return NO_OPINION;
    }
    if (node === '') {
      return refuse(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    }
    const question = attributes.isResource ? this.#questions.get(`${attributes.group}/${attributes.resource}`) : undefined;
    return question === undefined ? this.#rules.check(attributes) ?? NO_OPINION : question(node, attributes);
  }

  rulesFor(user: User): Rules {
    const none = { resourceRules: [], nonResourceRules: [] };
    return nodeOf(user) === undefined ? { ...none, incomplete: false }
      : { ...none, incomplete: true, evaluationError: 'node authorizer does not support user rule resolution' };
  }

  #related(node: string, what: Referred, { namespace, name }: Attributes): Decision {
    if (name === '') {
      return refuse('No Object name found');
    }
    return this.#graph.refers(node, what, namespace, name) || this.#machineRefers(node, what, namespace, name) ? ALLOWED : unrelated(node);
  }

  /** Virtual machines take secrets and configuration from objects that their launcher pod does not name. */
  #machineRefers(node: string, what: Referred, namespace: string, name: string): boolean {
    if (what !== 'secrets' && what !== 'configmaps') {
      return false;
    }
    return [...this.#graph.machines(node, namespace).keys()].some((machine) => {
      const volumes = specOf(this.#lookup.get(MACHINES, namespace, machine), 'volumes');
      return Array.isArray(volumes) && volumes.some((volume) => names(volume, what, name));
    });
  }

  #readable(node: string, attributes: Attributes, what: Referred): Decision {
    if (!READ_VERBS.has(attributes.verb)) {
      return refuse('can only read resources of this type');
    }
    if (attributes.subresource !== '') {
      return refuse('cannot read subresource');
    }
    return attributes.namespace === '' ? refuse('can only read namespaced object of this type') : this.#related(node, what, attributes);
  }

  #claim(node: string, attributes: Attributes): Decision {
    const { verb, subresource } = attributes;
    if (subresource === 'status') {
      return verb === 'update' || verb === 'patch' || verb === 'get' ? this.#related(node, 'persistentvolumeclaims', attributes)
        : refuse('can only get/update/patch this type');
    }
    return onlyGet(attributes, () => this.#graph.refers(node, 'persistentvolumeclaims', attributes.namespace, attributes.name), node);
  }

  #usesVolume(node: string, volume: string): boolean {
    return this.#graph.claims(node).some((claim) => {
      const [namespace = '', name = ''] = claim.split('/');
      return specOf(this.#lookup.get(CLAIMS, namespace, name), 'volumeName') === volume;
    });
  }

  #attached(node: string, name: string): boolean {
    return specOf(this.#lookup.get(ATTACHMENTS, '', name), 'nodeName') === node;
  }

  #account(node: string, attributes: Attributes): Decision {
    const { verb, subresource, name } = attributes;
    if (verb === 'get' && subresource === '') {
      return this.#related(node, 'serviceaccounts', attributes);
    }
    if (verb !== 'create' || subresource !== 'token' || name === '') {
      return refuse('can only create tokens for individual service accounts');
    }
    return this.#related(node, 'serviceaccounts', attributes);
  }

  #slice(node: string, attributes: Attributes): Decision {
    const { verb, subresource, name } = attributes;
    if (subresource !== '') {
      return refuse('cannot authorize ResourceSlice subresources');
    }
    switch (verb) {
      // Admission sees that it is for this node.
      case 'create': return ALLOWED;
      case 'get': case 'update': case 'patch': case 'delete':
        return specOf(this.#lookup.get(SLICES, '', name), 'nodeName') === node ? ALLOWED : unrelated(node);
      default: return selectsOwn(node, attributes) ? ALLOWED : refuse('can only list/watch/deletecollection resourceslices with spec.nodeName field selector');
    }
  }

  #pod(node: string, attributes: Attributes): Decision {
    const { verb, subresource } = attributes;
    switch (subresource) {
      case 'status': return verb === 'update' || verb === 'patch' ? ALLOWED : NO_OPINION;
      case 'eviction': return verb === 'create' ? ALLOWED : NO_OPINION;
      case '': break;
      default: return NO_OPINION;
    }
    switch (verb) {
      case 'get': return this.#related(node, 'pods', attributes);
      case 'list': case 'watch': return selectsOwn(node, attributes) ? ALLOWED : refuse('can only list/watch pods with spec.nodeName field selector');
      // Admission sees that it is a pod of this node.
      case 'create': case 'delete': return ALLOWED;
      default: return NO_OPINION;
    }
  }
}

const selectsOwn = (node: string, { fields }: Attributes): boolean =>
  fields?.requirements.some(({ field, operator, value }) => field === 'spec.nodeName' && operator === '=' && value === node) ?? false;

const unrelated = (node: string): Decision => refuse(`no relationship found between node '${node}' and this object`);

function onlyGet({ verb, subresource, name }: Attributes, related: () => boolean, node: string): Decision {
  if (verb !== 'get') {
    return refuse('can only get individual resources of this type');
  }
  if (subresource !== '') {
    return refuse('cannot get subresource');
  }
  if (name === '') {
    return refuse('No Object name found');
  }
  return related() ? ALLOWED : unrelated(node);
}

function lease(node: string, { verb, namespace, name }: Attributes): Decision {
  if (!LEASE_VERBS.has(verb)) {
    return refuse('can only get, create, update, patch, or delete a node lease');
  }
  if (namespace !== NODE_LEASES) {
    return refuse(`can only access leases in the ${JSON.stringify(NODE_LEASES)} system namespace`);
  }
  // The name of a new one is in its body: admission looks at it.
  return verb === 'create' || name === node ? ALLOWED : refuse('can only access node lease with the same name as the requesting node');
}

function csiNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (!LEASE_VERBS.has(verb)) {
    return refuse('can only get, create, update, patch, or delete a CSINode');
  }
  if (subresource !== '') {
    return refuse('cannot authorize CSINode subresources');
  }
  return verb === 'create' || name === node ? ALLOWED : refuse('can only access CSINode with the same name as the requesting node');
}

function ownNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (subresource === 'status') {
    return verb === 'update' || verb === 'patch' ? ALLOWED : NO_OPINION;
  }
  if (subresource !== '') {
    return NO_OPINION;
  }
  if (READ_VERBS.has(verb)) {
    if (name === node) {
      return ALLOWED;
    }
    return refuse(name === '' ? `node '${node}' cannot read all nodes, only its own Node object` : `node '${node}' cannot read '${name}', only its own Node object`);
  }
  // Admission sees that it is its own.
  return verb === 'create' || verb === 'update' || verb === 'patch' ? ALLOWED : NO_OPINION;
}
