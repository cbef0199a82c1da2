/** What other rooms of the node use of the network. */
export { checkForwarding, type ForwardingProblem, type ForwardingReport } from './forwarding.ts';
export { ensureGateway, stopGateway, superviseGateway, type GatewayOptions } from './gatewayprocess.ts';
export { HostPortTaken, type HostPort } from './hostports.ts';
export { podDns } from './poddns.ts';
export { PodNetwork, type PodIdentity, type Sandbox } from './podnetwork.ts';
export { removeNetwork } from './removal.ts';
export { ServiceProxy, type ServiceProxyOptions } from './services/proxy.ts';
export { trialRules } from './trial.ts';
