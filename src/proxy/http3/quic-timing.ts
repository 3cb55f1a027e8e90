/** How long a connection of QUIC may be silent (RFC 9000 §10.1); the listener's idle_timeout is mostly less. */
export const quietS = 180;
/** How long a handshake may take. */
export const handshakeMs = 5_000;
