// One headless Chromium with a fresh profile, in which every telephone is a page.

import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { chromium } from "playwright-core";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-proxy-server",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  // Without this there is no ICE candidate on loopback.
  "--allow-loopback-in-peer-connection",
];

/**
 * Starts Chromium; `trusted` is a list of key hashes (see `trustedKey`) whose certificates it accepts, `resolve` an
 * optional `NAME=ADDRESS`.
 */
export async function launch(executablePath, trusted = [], resolve = undefined) {
  const profile = mkdtempSync(join(tmpdir(), "cordboard-chromium-"));
  const pins = trusted.length > 0 ? [`--ignore-certificate-errors-spki-list=${trusted.join(",")}`] : [];
  const hosts = resolve ? [`--host-resolver-rules=MAP ${resolve.replace("=", " ")}`] : [];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [...flags, ...pins, ...hosts, "--disable-features=WebRtcHideLocalIpsWithMdns"],
    env: { ...process.env, HOME: profile },
  });
  return {
    newPage: () => context.newPage(),
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Checks the listener's certificate against the authority and the host name in `url`, and returns the hash of its key.
 * Chromium keeps user authorities in a database that only an NSS tool can write, so the check is made here and
 * Chromium is told the one key that passed it.
 */
export async function trustedKey(url, caFile, resolve = undefined) {
  const { hostname, port } = new URL(url);
  const [name, address] = resolve?.split("=") ?? [];
  const certificate = await new Promise((done, fail) => {
    const socket = connect({
      host: hostname === name ? address : hostname,
      port: Number(port || 443),
      servername: /^[\d.]+$|:/.test(hostname) ? "" : hostname,
      ca: readFileSync(caFile),
      timeout: 5000,
    });
    socket.once("secureConnect", () => {
      done(new X509Certificate(socket.getPeerCertificate(true).raw));
      socket.end();
    });
    socket.once("timeout", () => socket.destroy(new Error("no TLS handshake within 5 s")));
    socket.once("error", (e) => fail(new Error(`${url} does not stand up to ${caFile}: ${e.message}`)));
  });
  const key = certificate.publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}
