/** Addresses inside a node's own network: nobody outside sees them, so every cluster has the same. */

export const POD_NETWORK = '10.244.0.0/24';
export const SERVICE_NETWORK = '10.96.0.0/16';
/** Of the Service `kubernetes`: the API server takes the first. */
export const API_SERVICE_ADDRESS = '10.96.0.1';
export const CLUSTER_DOMAIN = 'cluster.local';
export const API_PORT = 6443;
