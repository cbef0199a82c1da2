/** The rules of apiregistration.k8s.io, one by one. */
import { apiService } from './apiservice.ts';
import { LABEL_1035, SUBDOMAIN, testRules } from '../ruletable.ts';

testRules(apiService, {
  base: { metadata: { name: 'v1.example.com' }, spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, service: { namespace: 'default', name: 'api' }, caBundle: 'eA==' } },
  create: [
    ['metadata.name', 'v2.example.com', 'metadata.name: Invalid value: "v2.example.com": must be `spec.version+"."+spec.group`: "v1.example.com"'],
    ['spec.group', 'Example',
      'metadata.name: Invalid value: "v1.example.com": must be `spec.version+"."+spec.group`: "v1.Example"',
      `spec.group: Invalid value: "Example": ${SUBDOMAIN}`],
    ['spec.version', '1',
      'metadata.name: Invalid value: "v1.example.com": must be `spec.version+"."+spec.group`: "1.example.com"',
      `spec.version: Invalid value: "1": ${LABEL_1035}`],
    ['spec.groupPriorityMinimum', 0, 'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000'],
    ['spec.groupPriorityMinimum', 20001, 'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000'],
    ['spec.versionPriority', 1001, 'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000'],
    ['spec.service', undefined, 'spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle'],
    ['spec.service.name', undefined, 'spec.service.name: Required value'],
    ['spec.service.namespace', undefined, 'spec.service.namespace: Required value'],
    ['spec.service.port', 70000, 'spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive'],
    ['spec.insecureSkipTLSVerify', true, 'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present'],
  ],
  status: [
    ['status', { conditions: [{ type: 'Available', status: 'Perhaps' }] },
      'status.conditions[0].status: Unsupported value: "Perhaps": supported values: "False", "True", "Unknown"'],
  ],
});
