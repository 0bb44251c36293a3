// Serves the test provider of the relying parties on the LAN: serve.mjs DIR HOST ADDRESS PORT. DIR holds ca.sh's certificates.

import { TestProvider } from "../rp/testprovider.mjs";

const [dir, host, address, port] = process.argv.slice(2);
const provider = new TestProvider();
provider.alg = "RS256";
await provider.listen(dir, { host, address, port: Number(port) });
console.log(JSON.stringify({ ready: true, issuer: provider.issuer, clientID: provider.clientID, secret: provider.secret }));
