// Bundles the two telephone pages and serves them from a loopback port, which browsers take for a secure context.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL("../pages/", import.meta.url));

/** Serves `/jssip` and `/sipjs`; resolves to `{ url(library), close() }`. */
export async function servePages() {
  const html = readFileSync(`${folder}phone.html`, "utf8");
  const scripts = await bundle(["jssip", "sipjs"]);
  const server = createServer((request, response) => {
    const name = request.url.slice(1);
    if (scripts.has(name)) {
      response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(scripts.get(name));
    } else if (scripts.has(`${name}.js`)) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      response.end(`${html}<script src="/${name}.js"></script>\n`);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: (library) => `http://127.0.0.1:${server.address().port}/${library}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bundle(names) {
  const { outputFiles } = await build({
    entryPoints: names.map((name) => `${folder}${name}.js`),
    outdir: folder,
    write: false,
    bundle: true,
    format: "iife",
    target: "chrome120",
    define: { "process.env.NODE_DEBUG": "false" },
    logLevel: "error",
  });
  return new Map(outputFiles.map((file) => [file.path.slice(folder.length), file.text]));
}
