/** The rules of certificates.k8s.io, one by one. */
import { certificateSigningRequest } from './certificatesigningrequest.ts';
import { LABEL, SUBDOMAIN, testRules } from '../ruletable.ts';

testRules(certificateSigningRequest, {
  base: { spec: { request: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KZUE9PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K', signerName: 'example.com/signer', usages: ['client auth'] } },
  create: [
    ['spec.request', 'eA==', 'spec.request: Invalid value: "120": PEM block type must be CERTIFICATE REQUEST'],
    ['spec.usages', [], 'spec.usages: Required value'],
    ['spec.usages', ['fun'],
      'spec.usages[0]: Unsupported value: "fun": supported values: "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping"'],
    ['spec.usages', ['any', 'any'], 'spec.usages[1]: Duplicate value: "any"'],
    ['spec.signerName', undefined, 'spec.signerName: Required value'],
    ['spec.signerName', 'signer', "spec.signerName: Invalid value: \"signer\": must be a fully qualified domain and path of the form 'example.com/signer-name'"],
    ['spec.signerName', 'example/signer', 'spec.signerName: Invalid value: "example": should be a domain with at least two segments separated by dots'],
    ['spec.signerName', 'A.b/signer', `spec.signerName: Invalid value: "A.b": validating label "A": ${LABEL}`],
    ['spec.signerName', 'example.com/-', `spec.signerName: Invalid value: "-": validating label "-": ${SUBDOMAIN}`],
    ['spec.signerName', 'kubernetes.io/legacy-unknown',
      'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'],
    ['spec.expirationSeconds', 60, 'spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)'],
  ],
  status: [
    ['status', { conditions: [{ type: '', status: 'True' }] }, 'status.conditions[0].type: Required value'],
    ['status', { conditions: [{ type: 'Failed', status: 'False' }] }, 'status.conditions[0].status: Unsupported value: "False": supported values: "True"'],
    ['status', { conditions: [{ type: 'Other', status: 'Maybe' }] },
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"'],
    ['status', { conditions: [{ type: 'Other', status: '' }] }, 'status.conditions[0].status: Required value'],
    ['status', { conditions: [{ type: 'Other', status: 'True' }, { type: 'Other', status: 'True' }] }, 'status.conditions[1].type: Duplicate value: "Other"'],
    ['status', { conditions: [{ type: 'Approved', status: 'True' }] }, 'status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
    ['status', { conditions: [{ type: 'Approved', status: 'True' }, { type: 'Denied', status: 'True' }] },
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
      'status.conditions: Forbidden: updates may not add a condition of type "Denied"'],
  ],
});
