// The same as Node parses them.
const { createServer } = require("http");
const { createInterface } = require("readline");
const { Duplex } = require("stream");

const parse = (wire) =>
  new Promise((done) => {
    const found = [];
    const server = createServer((request, response) => {
      found.push([request.method, request.url.split("?")[0]]);
      request.resume();
      response.end();
    });
    server.on("clientError", (_, socket) => socket.destroy());
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, next) => next() });
    socket.on("close", () => done(found));
    server.emit("connection", socket);
    socket.push(wire);
    socket.push(null);
  });

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await parse(Buffer.from(line, "base64"))));
  }
})();
