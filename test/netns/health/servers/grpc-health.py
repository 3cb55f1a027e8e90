"""Serves grpc.health.v1 with gRPC's own library: python3 grpc-health.py PORT [CERTIFICATE KEY]."""

import sys
from concurrent import futures

import grpc

# HealthCheckResponse { status = 1 } by the name of the service; a name that is not here is NOT_FOUND.
HEALTH = {"": b"\x08\x01", "shop.Orders": b"\x08\x01", "shop.Ill": b"\x08\x02", "shop.Unsure": b""}


def check(request, context):
    service = request[2:].decode() if request else ""
    if service not in HEALTH:
        context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {service}")
    return HEALTH[service]


port, *files = sys.argv[1:]
server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
handler = grpc.unary_unary_rpc_method_handler(check)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
if files:
    certificate, key = (open(file, "rb").read() for file in files)
    server.add_secure_port(f"0.0.0.0:{port}", grpc.ssl_server_credentials([(key, certificate)]))
else:
    server.add_insecure_port(f"0.0.0.0:{port}")
server.start()
server.wait_for_termination()
