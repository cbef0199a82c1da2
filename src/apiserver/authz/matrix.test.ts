/**
 * The authorisation matrix: every verb × kind × role, against Kubernetes' documented defaults written down here on their own, not taken from the
 * tables under test.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { loadRegistry } from '../../kinds/registry.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { TestServer } from '../testing/harness.ts';
import type { User } from '../types.ts';
import type { Attributes, Decision } from './authorizer.ts';

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;
type Verb = (typeof VERBS)[number];
const READS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

const person = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, 'system:authenticated'] });

const USERS = {
  masters: person('root', 'system:masters'),
  'cluster-admin': person('boss'),
  admin: person('adele'),
  edit: person('edgar'),
  view: person('viola'),
  none: person('nobody'),
  node: person('system:node:here', 'system:nodes'),
  controllers: person('system:kube-controller-manager'),
  scheduler: person('system:kube-scheduler'),
} as const;
type Role = keyof typeof USERS;

const key = ({ group, plural }: AnyKind): string => (group === '' ? plural : `${plural}.${group}`);
const set = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** What `view` sees inside a namespace. */
const VIEW = set(`configmaps endpoints persistentvolumeclaims pods replicationcontrollers serviceaccounts services bindings events limitranges namespaces
  resourcequotas endpointslices.discovery.k8s.io controllerrevisions.apps daemonsets.apps deployments.apps replicasets.apps statefulsets.apps
  horizontalpodautoscalers.autoscaling cronjobs.batch jobs.batch poddisruptionbudgets.policy ingresses.networking.k8s.io networkpolicies.networking.k8s.io
  resourceclaims.resource.k8s.io resourceclaimtemplates.resource.k8s.io virtualmachines.kubevirt.io virtualmachineinstances.kubevirt.io`);
/** What `edit` writes there. */
const EDIT = set(`pods configmaps events persistentvolumeclaims replicationcontrollers secrets serviceaccounts services
  daemonsets.apps deployments.apps replicasets.apps statefulsets.apps horizontalpodautoscalers.autoscaling cronjobs.batch jobs.batch
  poddisruptionbudgets.policy ingresses.networking.k8s.io networkpolicies.networking.k8s.io leases.coordination.k8s.io
  resourceclaims.resource.k8s.io resourceclaimtemplates.resource.k8s.io`);
/** What `edit` sees beyond `view`. */
const EDIT_READS = set('secrets leases.coordination.k8s.io');
const MACHINES = set('virtualmachines.kubevirt.io virtualmachineinstances.kubevirt.io');
/** What `admin` has in addition. */
const ADMIN = set('roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io');

/** Any node, of names it has nothing to do with. */
const NODE: Readonly<Record<string, ReadonlySet<string>>> = {
  services: set('get list watch'), nodes: set('create update patch'), events: set('create update patch'), pods: set('create delete'), endpoints: set('get'),
  'csidrivers.storage.k8s.io': set('get list watch'), 'csinodes.storage.k8s.io': set('create'), 'runtimeclasses.node.k8s.io': set('get list watch'),
  'certificatesigningrequests.certificates.k8s.io': set('create get list watch'), 'resourceslices.resource.k8s.io': set('create'),
  'resourceclaims.resource.k8s.io': set('get'), 'endpointslices.discovery.k8s.io': set('list watch'),
  'virtualmachineinstances.kubevirt.io': set('get list watch update'), 'clustertrustbundles.certificates.k8s.io': set('get list watch'),
  'tokenreviews.authentication.k8s.io': set('create'), 'subjectaccessreviews.authorization.k8s.io': set('create'),
  'localsubjectaccessreviews.authorization.k8s.io': set('create'),
};
const MANAGER_CREATES = set('events events.events.k8s.io leases.coordination.k8s.io secrets serviceaccounts tokenreviews.authentication.k8s.io subjectaccessreviews.authorization.k8s.io');
const MANAGER_GETS = set('configmaps namespaces secrets serviceaccounts');
const SCHEDULER_READS = set(`nodes pods replicationcontrollers services replicasets.apps statefulsets.apps poddisruptionbudgets.policy persistentvolumeclaims persistentvolumes
  namespaces csinodes.storage.k8s.io volumeattachments.storage.k8s.io csidrivers.storage.k8s.io csistoragecapacities.storage.k8s.io storageclasses.storage.k8s.io
  deviceclasses.resource.k8s.io resourceclaims.resource.k8s.io resourceslices.resource.k8s.io`);
const SELF_REVIEWS = set(`selfsubjectaccessreviews.authorization.k8s.io selfsubjectrulesreviews.authorization.k8s.io selfsubjectreviews.authentication.k8s.io`);

/** Inside the namespace in which the user is bound. */
function namespaced(role: 'admin' | 'edit' | 'view', kind: string, verb: Verb): boolean {
  if (role === 'view') {
    return READS.has(verb) && VIEW.has(kind);
  }
  if (MACHINES.has(kind)) {
    return verb !== 'deletecollection' || role === 'admin';
  }
  if (role === 'admin' && (ADMIN.has(kind) || (kind === 'localsubjectaccessreviews.authorization.k8s.io' && verb === 'create'))) {
    return true;
  }
  return READS.has(verb) ? VIEW.has(kind) || EDIT_READS.has(kind) : EDIT.has(kind);
}

function manager(kind: string, verb: Verb): boolean {
  switch (verb) {
    case 'list': case 'watch': return true;
    case 'create': return MANAGER_CREATES.has(kind);
    case 'get': return MANAGER_GETS.has(kind);
    case 'update': return ['events', 'events.events.k8s.io', 'secrets', 'serviceaccounts'].includes(kind);
    case 'patch': return kind === 'events' || kind === 'events.events.k8s.io';
    case 'delete': return kind === 'secrets';
    default: return false;
  }
}

function scheduler(kind: string, verb: Verb): boolean {
  if (READS.has(verb) && SCHEDULER_READS.has(kind)) {
    return true;
  }
  switch (kind) {
    case 'events': case 'events.events.k8s.io': return ['create', 'update', 'patch'].includes(verb);
    case 'leases.coordination.k8s.io': case 'bindings': case 'tokenreviews.authentication.k8s.io': case 'subjectaccessreviews.authorization.k8s.io':
      return verb === 'create';
    case 'pods': return verb === 'delete';
    case 'persistentvolumes': case 'persistentvolumeclaims': return verb === 'update' || verb === 'patch';
    // Beyond Kubernetes' role: it makes the claims of pods that ask for devices without one.
    case 'resourceclaims.resource.k8s.io': return ['create', 'update', 'patch', 'delete'].includes(verb);
    default: return false;
  }
}

/** What Kubernetes' defaults say; `here` is the namespace in which the users are bound. */
function expected(role: Role, kind: AnyKind, verb: Verb, here: boolean): boolean {
  const name = key(kind);
  if (role === 'masters' || role === 'cluster-admin') {
    return true;
  }
  if (verb === 'create' && SELF_REVIEWS.has(name)) {
    return true;
  }
  switch (role) {
    case 'admin': case 'edit': case 'view': return here && namespaced(role, name, verb);
    case 'node': return NODE[name]?.has(verb) ?? false;
    case 'controllers': return manager(name, verb);
    case 'scheduler': return scheduler(name, verb);
    default: return false;
  }
}

/** Group, resource with subresource, verb, and who may beside the superusers; those bound in a namespace only there. */
const SUBRESOURCES: readonly (readonly [group: string, resource: string, verb: string, roles: string])[] = [
  ['', 'pods/log', 'get', 'view edit admin'], ['', 'pods/exec', 'get', 'edit admin'], ['', 'pods/exec', 'create', 'edit admin'],
  ['', 'pods/attach', 'create', 'edit admin'], ['', 'pods/portforward', 'create', 'edit admin'], ['', 'pods/proxy', 'get', 'edit admin'],
  ['', 'pods/eviction', 'create', 'edit admin node scheduler'], ['', 'pods/binding', 'create', 'scheduler'], ['', 'pods/ephemeralcontainers', 'update', ''],
  ['', 'pods/status', 'get', 'view edit admin'], ['', 'pods/status', 'update', 'node scheduler'], ['', 'pods/status', 'patch', 'node scheduler'],
  ['', 'services/proxy', 'get', 'edit admin'], ['', 'services/status', 'get', 'view edit admin'], ['', 'services/status', 'update', ''],
  ['', 'serviceaccounts/token', 'create', 'edit admin controllers'], ['', 'serviceaccounts', 'impersonate', 'edit admin'],
  ['', 'resourcequotas/status', 'get', 'view edit admin'], ['', 'resourcequotas/status', 'update', ''], ['', 'namespaces/finalize', 'update', ''],
  ['', 'nodes/proxy', 'get', ''], ['', 'nodes/proxy', 'create', ''], ['', 'nodes/status', 'patch', 'node'], ['', 'nodes/status', 'get', ''],
  ['apps', 'deployments/scale', 'get', 'view edit admin'], ['apps', 'deployments/scale', 'update', 'edit admin'], ['apps', 'deployments/scale', 'patch', 'edit admin'],
  ['apps', 'deployments/status', 'get', 'view edit admin'], ['apps', 'deployments/status', 'update', ''], ['apps', 'deployments/finalizers', 'update', ''],
  ['batch', 'jobs/status', 'patch', ''], ['policy', 'poddisruptionbudgets/status', 'get', 'view edit admin'],
  ['rbac.authorization.k8s.io', 'roles', 'escalate', ''], ['rbac.authorization.k8s.io', 'clusterroles', 'bind', ''],
  ['certificates.k8s.io', 'certificatesigningrequests/approval', 'update', ''], ['certificates.k8s.io', 'certificatesigningrequests/status', 'update', ''],
  ['certificates.k8s.io', 'signers', 'approve', ''],
  ['subresources.kubevirt.io', 'virtualmachines/start', 'update', 'edit admin'], ['subresources.kubevirt.io', 'virtualmachines/stop', 'update', 'edit admin'],
  ['subresources.kubevirt.io', 'virtualmachineinstances/console', 'get', 'edit admin'], ['subresources.kubevirt.io', 'virtualmachineinstances/vnc', 'get', 'edit admin'],
  ['subresources.kubevirt.io', 'virtualmachineinstances/guestosinfo', 'get', 'view edit admin'],
];
const BOUND: ReadonlySet<string> = new Set(['admin', 'edit', 'view']);

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const binding = (name: string, role: string, user: string): Record<string, unknown> => ({
  metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
});

describe('the authorisation matrix', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    for (const role of ['admin', 'edit', 'view'] as const) {
      assert.equal((await s.post(`${RBAC}/namespaces/default/rolebindings`, binding(role, role, USERS[role].name))).code, 201);
    }
    assert.equal((await s.post(`${RBAC}/clusterrolebindings`, binding('the-boss', 'cluster-admin', USERS['cluster-admin'].name))).code, 201);
  });
  after(() => s.close());

  const decide = async (user: User, verb: string, kind: AnyKind, namespace: string): Promise<Decision> => {
    const attributes: Attributes = {
      user, verb, isResource: true, group: kind.group, version: kind.version, resource: kind.plural, subresource: '', namespace, path: '',
      name: verb === 'create' || verb === 'list' || verb === 'watch' || verb === 'deletecollection' ? '' : 'some',
    };
    return await s.server.core.authorizer.authorize(attributes);
  };

  for (const role of Object.keys(USERS) as Role[]) {
    it(role, async () => {
      const wrong: string[] = [];
      let asked = 0;
      for (const kind of loadRegistry().list()) {
        for (const verb of VERBS) {
          for (const namespace of kind.namespaced ? ['default', 'kube-public'] : ['']) {
            asked += 1;
            const { allowed } = await decide(USERS[role], verb, kind, namespace);
            if (allowed !== expected(role, kind, verb, namespace === 'default')) {
              wrong.push(`${verb} ${key(kind)} in ${namespace === '' ? 'the cluster' : namespace}: ${allowed ? 'allowed' : 'refused'}`);
            }
          }
        }
      }
      assert.deepEqual(wrong, []);
      assert.ok(asked > 300, `only ${asked} questions were asked`);
    });
  }

  it('subresources and verbs of their own', async () => {
    const wrong: string[] = [];
    for (const [group, whole, verb, roles] of SUBRESOURCES) {
      const [resource = '', subresource = ''] = whole.split('/');
      for (const role of Object.keys(USERS) as Role[]) {
        for (const namespace of ['default', 'kube-public']) {
          const attributes: Attributes = { user: USERS[role], verb, isResource: true, group, version: 'v1', resource, subresource, namespace, path: '', name: 'some' };
          const { allowed } = await s.server.core.authorizer.authorize(attributes);
          const expected = role === 'masters' || role === 'cluster-admin'
            || (roles.split(' ').includes(role) && (namespace === 'default' || !BOUND.has(role)));
          if (allowed !== expected) {
            wrong.push(`${role}: ${verb} ${whole} in ${namespace}: ${allowed ? 'allowed' : 'refused'}`);
          }
        }
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('paths that are no resources', async () => {
    const paths = { '/healthz': true, '/version': true, '/api': true, '/apis/apps/v1': true, '/openapi/v2': true, '/metrics': false, '/readyz/ping': false, '/': false };
    const user = USERS.none;
    for (const [path, allowed] of Object.entries(paths)) {
      const attributes: Attributes = { user, verb: 'get', isResource: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path };
      assert.equal((await s.server.core.authorizer.authorize(attributes)).allowed, allowed, path);
      assert.equal((await s.server.core.authorizer.authorize({ ...attributes, verb: 'post' })).allowed, false, `post ${path}`);
    }
  });
});
