// Both ends of a gRPC service by Google's library, run by Node.
// usage: grpc-peer.mjs serve              prints the port of a service in clear text
//        grpc-peer.mjs call HOST:PORT [CA]  calls each kind of method once and prints what came of it as JSON
import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";

const bytes = (value) => Buffer.from(value);
const kind = (requestStream, responseStream) => ({
  path: `/test.Echo/${requestStream ? "Many" : "One"}${responseStream ? "Many" : "One"}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: String,
  responseSerialize: bytes,
  responseDeserialize: String,
});
const service = {
  oneOne: kind(false, false),
  oneMany: kind(false, true),
  manyOne: kind(true, false),
  manyMany: kind(true, true),
};

const [, , what, target = "", ca] = process.argv;

function serve() {
  const server = new grpc.Server();
  server.addService(service, {
    oneOne: (call, answer) => {
      const trailer = new grpc.Metadata();
      trailer.set("x-trailer", "behind");
      if (call.request === "fail")
        answer({ code: grpc.status.NOT_FOUND, details: "no such thing", metadata: trailer });
      else answer(null, `${call.request}!`, trailer);
    },
    oneMany: (call) => {
      for (let count = 0; count < 1000; count++) call.write(`${call.request}${count}`);
      call.end();
    },
    manyOne: (call, answer) => {
      let length = 0;
      call.on("data", (message) => (length += message.length));
      call.on("end", () => answer(null, String(length)));
    },
    manyMany: (call) => {
      call.on("data", (message) => call.write(message.toUpperCase()));
      call.on("end", () => call.end());
    },
  });
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_error, port) =>
    console.log(port),
  );
}

async function call() {
  const credentials =
    ca === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(readFileSync(ca));
  const Client = grpc.makeGenericClientConstructor(service, "Echo");
  const options = ca === undefined ? {} : { "grpc.ssl_target_name_override": "shop.example" };
  const client = new Client(target, credentials, options);
  const told = {};
  await new Promise((resolve) => {
    const unary = client.oneOne("hello", (error, answer) => {
      told.unary = error?.message ?? answer;
    });
    unary.on("status", ({ metadata }) => {
      told.trailer = metadata.get("x-trailer")[0];
      resolve();
    });
  });
  await new Promise((resolve) =>
    client.oneOne("fail", (error) => {
      told.failure = `${error?.code} ${error?.details}`;
      resolve();
    }),
  );
  told.serverStream = await collect(client.oneMany("n"));
  told.clientStream = await new Promise((resolve) => {
    const stream = client.manyOne((error, answer) => resolve(error?.message ?? answer));
    for (let count = 0; count < 200; count++) stream.write("x".repeat(10_000));
    stream.end();
  });
  const duplex = client.manyMany();
  const collected = collect(duplex);
  for (const word of ["a", "b", "c"]) duplex.write(word);
  duplex.end();
  told.duplex = await collected;
  client.close();
  console.log(JSON.stringify(told));
}

async function collect(stream) {
  let count = 0;
  let last = "";
  for await (const message of stream) {
    count += 1;
    last = message;
  }
  return `${count} ${last}`;
}

if (what === "serve") serve();
else await call();
