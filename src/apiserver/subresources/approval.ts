/** `certificatesigningrequests/{name}/approval`: the conditions in which somebody says yes or no. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../kinds/generated/certificates.ts';
import { partHandlers } from './part.ts';
import { typed } from '../../kinds/typed.ts';

const asRequest = (object: KubeObject): CertificateSigningRequest => typed('certificates.k8s.io/v1 CertificateSigningRequest', object);

/** Conditions with their times: new ones begin now, others keep when they began. */
function timed(conditions: readonly CertificateSigningRequestCondition[], old: readonly CertificateSigningRequestCondition[]): CertificateSigningRequestCondition[] {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  return conditions.map((condition) => {
    const before = old.find(({ type, status }) => type === condition.type && status === condition.status);
    const { lastUpdateTime = now, lastTransitionTime = before?.lastTransitionTime ?? now } = condition;
    return { ...condition, lastUpdateTime, lastTransitionTime };
  });
}

export const approvalHandlers = partHandlers({
  scope: { part: 'other', subresource: 'approval', check: 'object', generation: false },
  take(next, asked, current) {
    const request = asRequest(next);
    const conditions = deepClone(asRequest(asked).status?.conditions ?? []);
    request.status = { ...request.status, conditions: timed(conditions, asRequest(current).status?.conditions ?? []) };
  },
});
