#!/bin/sh
# Debian's Node.js: by default it trusts what OpenSSL does on the machine, but tls.rootCertificates is Mozilla's list as it
# was when Node was built, without what the machine's owner has added.
#
# Valid input: a machine whose list (update-ca-certificates, here SSL_CERT_FILE) has an authority of its own, and a
# program that adds one more: ca: [...tls.rootCertificates, another]. One would think: everything that was trusted, and
# one more. Seen: the machine's own authority is forgotten.
set -eu
VERSION=18.20.4+dfsg-1~deb12u2

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"
apt-get -qq -o APT::Sandbox::User=root download "nodejs=$VERSION" "libnode108=$VERSION" \
	node-acorn node-cjs-module-lexer node-undici libbrotli1 libc-ares2 libicu72 libnghttp2-14 libuv1
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$(echo "$top"/root/usr/lib/*-linux-gnu*)

for name in machine another; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
		-addext subjectAltName=DNS:localhost -keyout $name.key -out $name.pem 2>/dev/null
done
cat >try.js <<'JS'
const { readFileSync } = require("node:fs");
const tls = require("node:tls");
const [key, cert, another] = ["machine.key", "machine.pem", "another.pem"].map((name) => readFileSync(name, "utf8"));
const server = tls.createServer({ key, cert }, (socket) => socket.end()).on("tlsClientError", () => {});
const ask = (options) =>
  new Promise((resolve) => {
    const socket = tls.connect({ port: server.address().port, servername: "localhost", ...options });
    socket.on("secureConnect", () => (socket.destroy(), resolve("trusted")));
    socket.on("error", (error) => resolve(error.code));
  });
server.listen(0, "127.0.0.1", async () => {
  console.log(`default: ${await ask({})}`);
  console.log(`with one more: ${await ask({ ca: [...tls.rootCertificates, another] })}`);
  server.close();
});
JS
# Parts of it are read from /usr/share/nodejs.
node() {
	unshare --map-root-user --mount sh -c 'mount --bind "$0/root/usr/share" /usr/share && exec "$0/root/usr/bin/node" "$@"' "$top" "$@"
}
export LD_LIBRARY_PATH="$lib"
echo "nodejs $VERSION: $(node --version)"
SSL_CERT_FILE=$top/machine.pem node try.js | tee out
if grep -qx 'default: trusted' out && grep -qx 'with one more: DEPTH_ZERO_SELF_SIGNED_CERT' out; then
	echo "as noted: the machine's own authority is forgotten"
else
	echo "it behaves otherwise now" >&2
	exit 1
fi
