import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isStatusError } from '../apimachinery/status.ts';
import { route, verbOf } from './route.ts';

const NONE = new URLSearchParams();

/** group/version namespace resource name subresource rest, as one line. */
const shown = (path: string): string => {
  const { group, version, namespace, resource, name, subresource, rest } = route(path);
  return [group, version, namespace, resource, name, subresource, rest].join(' ');
};

describe('route', () => {
  it('reads every shape of resource path', () => {
    assert.equal(shown('/api/v1/pods'), ' v1  pods   ');
    assert.equal(shown('/api/v1/namespaces/default/pods'), ' v1 default pods   ');
    assert.equal(shown('/api/v1/namespaces/default/pods/web-0'), ' v1 default pods web-0  ');
    assert.equal(shown('/api/v1/namespaces/default/pods/web-0/log'), ' v1 default pods web-0 log ');
    assert.equal(shown('/apis/apps/v1/namespaces/x/deployments/web/scale'), 'apps v1 x deployments web scale ');
    assert.equal(shown('/apis/apps/v1/deployments'), 'apps v1  deployments   ');
    assert.equal(shown('/api/v1/nodes/one/proxy/v1/namespaces/a%2Fb/c'), ' v1  nodes one proxy /v1/namespaces/a%2Fb/c');
  });

  it('knows a namespace from what is in it', () => {
    assert.equal(shown('/api/v1/namespaces'), ' v1  namespaces   ');
    assert.equal(shown('/api/v1/namespaces/default'), ' v1 default namespaces default  ');
    assert.equal(shown('/api/v1/namespaces/default/finalize'), ' v1 default namespaces default finalize ');
    assert.equal(shown('/api/v1/namespaces/default/status'), ' v1 default namespaces default status ');
  });

  it('leaves other paths alone', () => {
    for (const path of ['/', '/api', '/api/v1', '/api/v1/', '/apis', '/apis/apps', '/apis/apps/v1', '/healthz', '/openapi/v3/api/v1']) {
      assert.equal(route(path).isResource, false, path);
    }
  });

  it('refuses names that step out of their place', () => {
    for (const path of ['/api/v1/namespaces/default/pods/..%2F..%2Fx', '/api/v1/namespaces/a%2Fb/pods', '/api/v1/namespaces/default/pods/%zz', '/api/v1/namespaces/%2e%2e/pods']) {
      assert.throws(() => route(path), (error) => isStatusError(error, 'BadRequest'), path);
    }
  });

  it('names verbs', () => {
    const verb = (method: string, path: string, query = NONE): string | undefined => verbOf(method, route(path), query);
    assert.equal(verb('GET', '/api/v1/pods'), 'list');
    assert.equal(verb('GET', '/api/v1/pods', new URLSearchParams('watch=true')), 'watch');
    assert.equal(verb('GET', '/api/v1/watch/pods'), 'watch');
    assert.equal(verb('GET', '/api/v1/namespaces/x/pods/y'), 'get');
    assert.equal(verb('GET', '/api/v1/namespaces/x/pods/y/log', new URLSearchParams('watch=true')), 'get');
    assert.equal(verb('DELETE', '/api/v1/namespaces/x/pods'), 'deletecollection');
    assert.equal(verb('PUT', '/api/v1/namespaces/x/pods/y/status'), 'update');
    assert.equal(verb('GET', '/healthz'), 'get');
    assert.equal(verb('BREW', '/api/v1/pods'), undefined);
  });
});
