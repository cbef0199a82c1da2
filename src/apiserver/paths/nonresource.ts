/** Everything that is not a resource: discovery, OpenAPI, health, version, metrics, the keys of service-account tokens. */
import { methodNotAllowed } from '../../apimachinery/status.ts';
import type { ServiceAccountTokens } from '../authn/serviceaccounts.ts';
import type { Answer, Call } from '../types.ts';
import { PageNotFound } from '../verbs/core.ts';
import { BACKUP_PATH, Backups } from './backup.ts';
import type { Documents } from './documents.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import { versionAnswer } from './version.ts';

export interface Paths {
  readonly documents: Documents;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly tokens: ServiceAccountTokens;
  /** Absent where there is nothing on disk. */
  readonly backups?: Backups;
}

const json = (value: unknown): Answer =>
  ({ type: 'raw', code: 200, headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=3600' }, body: JSON.stringify(value) });

const ROOTS = ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'];

function small(paths: Paths, call: Call): Answer | undefined {
  switch (call.info.path) {
    case '/version': case '/version/': return versionAnswer;
    case '/metrics': return { type: 'raw', code: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, body: paths.metrics.text() };
    case '/openid/v1/jwks': return json({ keys: [paths.tokens.jwk()] });
    case '/.well-known/openid-configuration': return json({
      issuer: paths.tokens.issuer, jwks_uri: `${paths.tokens.issuer}/openid/v1/jwks`, response_types_supported: ['id_token'],
      subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256'],
    });
    case '/': return json({ paths: ROOTS });
    default: return undefined;
  }
}

/** Throws PageNotFound or MethodNotAllowed. */
export function answerPath(paths: Paths, call: Call): Answer | Promise<Answer> {
  const backups = call.info.path === BACKUP_PATH ? paths.backups : undefined;
  const answer = backups ?? small(paths, call) ?? paths.health.answer(call) ?? paths.documents.answer(call);
  if (answer === undefined) {
    throw new PageNotFound(call.info.path);
  }
  if (call.method !== 'GET' && call.method !== 'HEAD') {
    throw methodNotAllowed('the server does not allow this method on the requested resource');
  }
  return answer instanceof Backups ? answer.answer(call) : answer;
}
