// What only Node's packages can check. Prints JSON.
//   node check.mjs FOLDER xsd SCHEMA FILE       the errors of an XML file by an XML schema
//   node check.mjs FOLDER lsp FILE…             what the YAML language server says of files, as in an editor
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, command, ...args] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);

async function xsd(schema, file) {
  const { validateXML } = require("xmllint-wasm");
  const read = (name) => ({ fileName: name, contents: readFileSync(name, "utf8") });
  const result = await validateXML({ xml: [read(file)], schema: [read(schema)] });
  return result.errors.map((error) => error.message);
}

async function lsp(...files) {
  const rpc = require("vscode-jsonrpc/node");
  const program = require.resolve("yaml-language-server/bin/yaml-language-server");
  const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(server.stdout),
    new rpc.StreamMessageWriter(server.stdin),
  );
  const waiting = new Map();
  connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) =>
    waiting.get(uri)?.(diagnostics),
  );
  connection.onRequest("workspace/configuration", ({ items }) =>
    items.map(({ section }) => (section === "yaml" ? { validate: true, schemaStore: { enable: false } } : null)),
  );
  connection.onRequest("client/registerCapability", () => null);
  connection.listen();
  const capabilities = { workspace: { configuration: true } };
  await connection.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities });
  await connection.sendNotification("initialized", {});
  const said = {};
  for (const file of files) {
    const uri = pathToFileURL(file).href;
    const published = new Promise((resolve) => waiting.set(uri, resolve));
    const textDocument = { uri, languageId: "yaml", version: 1, text: readFileSync(file, "utf8") };
    await connection.sendNotification("textDocument/didOpen", { textDocument });
    said[file] = (await published).map(({ message, range }) => ({ message, line: range.start.line + 1 }));
  }
  server.kill();
  return said;
}

const result = await { xsd, lsp }[command](...args);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
