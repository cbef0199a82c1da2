/** What distinguishes one Telar instance of a machine from another: fixed when its data directory is made. */
export interface Instance {
  /** Six lower-case alphanumerics, part of the names of links, tables and the run directory. */
  id: string;
  /** Absolute path of what must survive a reboot. */
  dataDir: string;
  /** `/run/telar/<id>`: sockets, network namespaces, `dns.json`. */
  runDir: string;
  /** IPv4 CIDR of pod addresses, e.g. `10.42.0.0/16`. */
  podCidr: string;
  /** IPv4 CIDR of ClusterIPs, e.g. `10.43.0.0/16`. */
  serviceCidr: string;
  /** DNS suffix of services, e.g. `cluster.local`. */
  clusterDomain: string;
  /** Address of the cluster's DNS: .10 of the service range. */
  dnsAddress: string;
  /** Address of the `kubernetes` Service: .1 of the service range. */
  apiAddress: string;
  /** Address of this machine as pods see it: .1 of the pod range. */
  nodeAddress: string;
  /** metadata.name of this machine's Node. */
  nodeName: string;
  /** Port of the API server. */
  port: number;
  /** Address the API server listens on. */
  listen: string;
}
